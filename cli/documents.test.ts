import { describe, expect, it } from 'vitest';
import { readDocuments } from './documents.ts';

const read = (text: string) => readDocuments('x.yaml', text);

describe('reading manifests', () => {
  it('gives every object with its file, document and line, and finds the line of a pointer', () => {
    const { manifests, mistakes } = read(
      '---\n---\nkind: Pod\nspec:\n  containers:\n  - name: web\n    env:\n    - {name: A}\n---\nkind: Secret\n',
    );
    expect(mistakes).toEqual([]);
    expect(manifests.map(({ document, line, value }) => [document, line, value['kind']])).toEqual([
      [1, 3, 'Pod'],
      [2, 10, 'Secret'],
    ]);
    expect(manifests[0]?.lineOf('/spec/containers/0/env/0/name')).toBe(8);
    expect(manifests[0]?.lineOf('/spec/containers/0/securityContext/privileged')).toBe(6);
    expect(manifests[0]?.lineOf('')).toBe(3);
  });

  it('unwraps lists, also lists in lists, under the document they stood in', () => {
    const { manifests } = read(
      'kind: List\nitems:\n- kind: Pod\n- kind: ConfigMapList\n  items:\n  - kind: ConfigMap\n    data: {a: b}\n',
    );
    expect(manifests.map(({ value, document, line }) => [value['kind'], document, line])).toEqual([
      ['Pod', 0, 3],
      ['ConfigMap', 0, 6],
    ]);
    expect(manifests[1]?.lineOf('/data/a')).toBe(7);
  });

  it('reads JSON as well', () => {
    expect(read('{"kind": "Pod", "metadata": {"name": "a"}}').manifests[0]?.value).toEqual({
      kind: 'Pod',
      metadata: { name: 'a' },
    });
  });

  it.each([
    ['no YAML', 'kind: [Pod\n', 'not-yaml'],
    ['a duplicate key', 'kind: Pod\nkind: Secret\n', 'not-yaml'],
    ['a template value', 'kind: Pod\nmetadata:\n  name: {{ .Values.name }}\n', 'template'],
    ['a template line', 'kind: Pod\n{{- if .Values.on }}\nspec: {}\n{{- end }}\n', 'template'],
    ['a scalar', 'hello\n', 'not-an-object'],
    ['a list without kind', '- a\n', 'not-an-object'],
  ])('refuses %s', (_, text, code) => {
    const { manifests, mistakes } = read(text);
    expect(manifests).toEqual([]);
    expect(mistakes).toMatchObject([{ file: 'x.yaml', document: 0, code }]);
  });

  it('names the line of a mistake', () => {
    expect(read('kind: Pod\n---\nkind: Pod\nspec: {}\nspec: {}\n').mistakes).toMatchObject([{ document: 1, line: 5 }]);
    expect(read('kind: Pod\nmetadata:\n  name: {{ .x }}\n').mistakes).toMatchObject([{ line: 3 }]);
  });

  it('takes a quoted brace for text', () => {
    expect(read('kind: ExternalSecret\ndata: "{{ .password }}"\n').mistakes).toEqual([]);
  });

  it('stops at nesting without end', () => {
    expect(read('['.repeat(200_000)).mistakes).toMatchObject([{ code: 'not-yaml' }]);
    expect(read(`${'['.repeat(20_000)}${']'.repeat(20_000)}`).manifests).toEqual([]);
  });

  it('stops at a bomb of aliases', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'
        .split('')
        .map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9).slice(0, -1)}]`),
    ].join('\n');
    expect(read(bomb).mistakes).toMatchObject([{ code: 'not-yaml' }]);
  });

  it('keeps __proto__ as data', () => {
    const { manifests } = read('kind: ConfigMap\ndata:\n  __proto__: {polluted: yes}\n');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(Object.keys(manifests[0]?.value['data'] ?? {})).toEqual(['__proto__']);
  });
});
