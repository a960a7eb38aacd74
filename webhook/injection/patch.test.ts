import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { injected, injectionPatch, sidecarOf } from '../../test/builders/injected.ts';
import { minimalPod, tweaked } from '../../test/builders/judgement.ts';
import type { Json, JsonObject } from '../admission/request.ts';
import { listAt } from '../policy/json-access.ts';
import { patchOf } from './patch.ts';

/** What a server that only knows RFC 6902 makes of the patch; refuses an operation whose place is not there. */
function patched(object: JsonObject, patch: ReturnType<typeof patchOf>): unknown {
  return jsonPatch.applyPatch(structuredClone(object), structuredClone([...patch]), true).newDocument;
}

const init = (name: string): JsonObject => ({ name, image: `registry.example/${name}:1` });
const keys = ['', 'a/b', 'a~b', '~1', '~0/~', 'schlüssel', '鍵', '__proto__', 'constructor', ' '];
const word = fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 4 }));
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, 0, 1.5, '', 'x'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const object = fc.dictionary(word, json, { maxKeys: 5, noNullPrototype: true });

describe('the patch', () => {
  it('AR-12 turns the received object into the intended one, whatever the two are', () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        const patch = patchOf(before, after);
        const reached = withoutPrototypeKey(patch) ? patched(before, patch) : after;
        expect(reached).toEqual(after);
        expect(patchOf(after, structuredClone(after))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('AR-12 turns lists into one another when they share entries', () => {
    const entry = fc.constantFrom(...['a', 'b', 'c', 'd'].map(init), init('a'));
    fc.assert(
      fc.property(fc.uniqueArray(entry), fc.array(entry, { maxLength: 5 }), (before, after) => {
        const [from, to] = [{ list: before }, { list: after }];
        expect(patched(from, patchOf(from, to))).toEqual(to);
      }),
      { numRuns: 1_000 },
    );
  });

  it('AR-13 escapes ~ and / in keys, and takes empty and non-ASCII keys as they are', () => {
    const annotations = Object.fromEntries(keys.filter((key) => key !== '__proto__').map((key) => [key, 'old']));
    const changed = Object.fromEntries(Object.keys(annotations).map((key) => [key, 'new']));
    const [before, after] = [{ metadata: { annotations } }, { metadata: { annotations: changed } }];
    const patch = patchOf(before, after);
    expect(patch.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/metadata/annotations/', '/metadata/annotations/a~1b', '/metadata/annotations/~00~1~0']),
    );
    expect(patched(before, patch)).toEqual(after);
  });

  it.each(['annotations', 'labels'])('AR-14 works where %s are absent, null or empty', (member) => {
    for (const parent of [undefined, null, {}]) {
      const pod = tweaked(minimalPod, { metadata: { [member]: parent } });
      expect(patched(pod, injectionPatch(pod))).toEqual(injected(pod));
    }
  });

  it.each(['initContainers', 'volumes'])('AR-14 works where %s are absent, null or empty', (member) => {
    for (const parent of [undefined, null, []]) {
      const pod = tweaked(minimalPod, { spec: { [member]: parent } });
      expect(patched(pod, injectionPatch(pod))).toEqual(injected(pod));
    }
  });

  it('AR-14 works where env and volumeMounts of the author are absent, null or empty, and leaves them so', () => {
    for (const parent of [undefined, null, []]) {
      const container = tweaked(init('migrate'), { env: parent, volumeMounts: parent });
      const pod = tweaked(minimalPod, { spec: { initContainers: [container], containers: [container] } });
      const result = injected(pod);
      expect(listAt(result, 'spec', 'initContainers')[1]).toEqual(container);
      expect(listAt(result, 'spec', 'containers')).toEqual([container]);
    }
  });

  it('has no test operations', () => {
    expect(injectionPatch(minimalPod).filter(({ op }) => op === 'test')).toEqual([]);
  });

  it('AR-15 names nothing of the author, so that unknown fields and integers beyond 2^53 survive as they were sent', () => {
    const author = {
      ...init('migrate'),
      securityContext: { runAsUser: 2 ** 53 },
      futureField: { nested: [{ 'a/b~c': 2 ** 63 }] },
    };
    const spec = {
      initContainers: [author, init('second')],
      volumes: [{ name: 'data', emptyDir: {} }],
      novelty: 2 ** 60,
    };
    const pod = tweaked(minimalPod, { spec });
    const touched = injectionPatch(pod).map(({ op, path }) => `${op} ${path}`);
    expect(touched.toSorted()).toEqual([
      'add /metadata/annotations',
      'add /metadata/labels/sallyport.dev~1injected',
      'add /metadata/labels/sallyport.dev~1ports',
      'add /spec/initContainers/0',
      'add /spec/volumes/1',
    ]);
  });

  it('AR-15 names nothing of the author either when a sidecar goes back to its place, the same or an older one', () => {
    const sidecar = sidecarOf(injected(minimalPod));
    for (const moved of [sidecar, tweaked(sidecar, { image: 'registry.example/sallyport:0.0.9' })]) {
      const pod = tweaked(injected(minimalPod), { spec: { initContainers: [init('migrate'), moved, init('second')] } });
      expect(injectionPatch(pod).map(({ op, path }) => `${op} ${path}`)).toEqual([
        'remove /spec/initContainers/1',
        'add /spec/initContainers/0',
      ]);
    }
  });
});

/** The library refuses to write below `__proto__` when it applies a patch, as it should; no API object has such a key. */
function withoutPrototypeKey(patch: ReturnType<typeof patchOf>): boolean {
  return patch.every(({ path }) => !path.split('/').includes('__proto__') && !path.includes('/constructor'));
}
