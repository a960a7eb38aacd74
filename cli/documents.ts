import { type Document, isMap, isNode, LineCounter, type ParsedNode, parseAllDocuments, visit } from 'yaml';
import { isJsonObject, type JsonObject } from '../webhook/review.ts';

/** Where something stands in a file: `line` counts from 1, `document` from 0. */
export interface Place {
  readonly file: string;
  readonly document: number;
  readonly line: number;
}

/** One object read from a file. */
export interface Manifest extends Place {
  readonly value: JsonObject;
  /** The line of a JSON pointer into the object, or of the nearest member above it that stands there. */
  lineOf(pointer: string): number;
}

/** Input that could not be used. */
export interface Mistake extends Place {
  readonly code: 'unreadable' | 'not-yaml' | 'template' | 'not-an-object';
  readonly message: string;
}

export interface Documents {
  readonly manifests: readonly Manifest[];
  readonly mistakes: readonly Mistake[];
}

/** An alias stands for a copy; more expansions than this are a bomb, no manifest. */
const maxAliases = 100;

/**
 * Every document of a YAML or JSON text. A `List` gives its items, each with the number of the document it stood in. Empty documents are counted and give
 * nothing. Duplicate keys are mistakes here, unlike over HTTP (AR-03): a person wrote both and meant one. Templates that were not rendered are refused, for what
 * they will become is not known.
 */
export function readDocuments(file: string, text: string): Documents {
  const lines = new LineCounter();
  const parsed = parseText(text, lines);
  if (parsed === undefined) {
    const message = 'nested deeper than any manifest';
    return { manifests: [], mistakes: [{ file, document: 0, line: 1, code: 'not-yaml', message }] };
  }
  const found = parsed.map((document, index) => readDocument({ file, text, document, index, lines }));
  return {
    manifests: found.flatMap(({ manifests }) => manifests),
    mistakes: found.flatMap(({ mistakes }) => mistakes),
  };
}

/** Undefined when the text exhausts the parser, which recurses. */
function parseText(text: string, lineCounter: LineCounter): readonly Document.Parsed[] | undefined {
  try {
    return [...parseAllDocuments(text, { lineCounter, merge: true, uniqueKeys: true, prettyErrors: false })];
  } catch {
    return undefined;
  }
}

interface Source {
  readonly file: string;
  readonly text: string;
  readonly document: Document.Parsed;
  readonly index: number;
  readonly lines: LineCounter;
}

function readDocument(source: Source): Documents {
  const { document } = source;
  const error = document.errors[0];
  if (error !== undefined) {
    const isTemplate = source.text.includes('{{');
    return mistaken(
      source,
      isTemplate ? 'template' : 'not-yaml',
      isTemplate ? unrendered : firstLine(error.message),
      error.pos[0],
    );
  }
  const template = templateOffset(document);
  if (template !== undefined) {
    return mistaken(source, 'template', unrendered, template);
  }
  try {
    return readValue(source, document.toJS({ maxAliasCount: maxAliases }));
  } catch {
    return mistaken(source, 'not-yaml', 'aliases that expand without end', document.range[0]);
  }
}

const unrendered = 'this looks like a template: render first, then check what was rendered';

function readValue(source: Source, value: unknown): Documents {
  if (value === null || value === undefined) {
    return { manifests: [], mistakes: [] };
  }
  const objects = unwrapped(value, []);
  const bad = objects.find((object) => !isJsonObject(object.value));
  if (bad !== undefined) {
    return mistaken(source, 'not-an-object', 'not a Kubernetes object', offsetOf(source.document, bad.path));
  }
  const manifests = objects.flatMap(({ value: members, path }) =>
    isJsonObject(members) ? [manifestOf(source, members, path)] : [],
  );
  return { manifests, mistakes: [] };
}

interface Located {
  readonly value: unknown;
  readonly path: readonly (string | number)[];
}

/** A `List` (or `PodList` and the like) stands for its items, lists among them too. */
function unwrapped(value: unknown, path: readonly (string | number)[]): readonly Located[] {
  const items =
    isJsonObject(value) && typeof value['kind'] === 'string' && value['kind'].endsWith('List')
      ? value['items']
      : undefined;
  return Array.isArray(items)
    ? items.flatMap((item: unknown, index) => unwrapped(item, [...path, 'items', index]))
    : [{ value, path }];
}

function manifestOf(
  { file, index, document, lines }: Source,
  value: JsonObject,
  base: readonly (string | number)[],
): Manifest {
  const lineOf = (pointer: string): number => lines.linePos(offsetOf(document, [...base, ...segmentsOf(pointer)])).line;
  return { file, document: index, line: lineOf(''), value, lineOf };
}

function mistaken({ file, index, lines }: Source, code: Mistake['code'], message: string, offset: number): Documents {
  return { manifests: [], mistakes: [{ file, document: index, line: lines.linePos(offset).line, code, message }] };
}

/** Offset of the node at a path, or of the deepest node on the way to it. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range !== undefined && node.range !== null) {
      return node.range[0];
    }
  }
  return document.contents?.range[0] ?? document.range[0];
}

function segmentsOf(pointer: string): readonly (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((segment) => (/^(0|[1-9][0-9]*)$/.test(segment) ? Number(segment) : segment));
}

/** `name: {{ .Values.name }}` is valid YAML: a map whose only key is a map. Nobody writes that on purpose. */
function templateOffset(document: Document.Parsed<ParsedNode>): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Pair(_, { key }) {
      if (isMap(key)) {
        offset = key.range?.[0] ?? 0;
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return offset;
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
