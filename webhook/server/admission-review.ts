import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';
import type { AdmissionRequest, GroupVersionKind, JsonObject, Operation, Requester } from '../admission/request.ts';

/*
 * AdmissionReview v1, bytes -> AdmissionRequest. The envelope is judged strictly, for only the API server writes it; the objects inside are passed on as they
 * came, members in their order, `__proto__` a member like any other. Duplicate keys: the last wins, as in Go (AR-03).
 */

/** The one version we speak. */
export const servedVersion = 'admission.k8s.io/v1';

/** Keeps a byte order mark, so that JSON refuses it; keeps nothing from one call to the next. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Deeper than any Kubernetes object; the API server itself stops at 10,000. Keeps every later walk off the end of the stack. */
const maxDepth = 1_000;

/**
 * A review as it came over the wire. Problems: `malformed-review` (AR-02: empty, BOM, not UTF-8, not JSON, trailing bytes, no object, envelope members missing or
 * mistyped; without detail) and `unsupported-version` (AR-01), which names the version served.
 */
export function decodeAdmissionReview(bytes: Uint8Array): Parsed<AdmissionRequest> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    return malformed();
  }
  return decodeAdmissionReviewValue(value);
}

/** The same for a review already read from JSON or YAML. */
export function decodeAdmissionReviewValue(value: unknown): Parsed<AdmissionRequest> {
  if (!isJsonObject(value) || isTooDeep(value)) {
    return malformed();
  }
  if (value['apiVersion'] !== servedVersion || value['kind'] !== 'AdmissionReview') {
    return refused({ code: 'unsupported-version', message: `this webhook serves AdmissionReview of ${servedVersion}` });
  }
  const request = value['request'];
  return isJsonObject(request) ? decodeRequest(request) : malformed();
}

/** Whether a value is a JSON object: no array, no null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(): Parsed<never> {
  return refused({ code: 'malformed-review', message: 'not a well-formed AdmissionReview' });
}

function decodeRequest(request: JsonObject): Parsed<AdmissionRequest> {
  const uid = request['uid'];
  const kind = decodeKind(request['kind']);
  const requestKind = request['requestKind'] === undefined ? kind : decodeKind(request['requestKind']);
  const resource = decodeResource(request['resource']);
  const operation = decodeOperation(request['operation']);
  const requester = decodeRequester(request['userInfo']);
  const texts = decodeTexts(request);
  const objects = decodeObjects(request);
  if (
    typeof uid !== 'string' ||
    uid === '' ||
    kind === undefined ||
    requestKind === undefined ||
    resource === undefined ||
    operation === undefined ||
    requester === undefined ||
    texts === undefined ||
    objects === undefined
  ) {
    return malformed();
  }
  return accepted({
    uid,
    kind,
    requestKind,
    resource,
    operation,
    requester,
    ...texts,
    ...objects,
    dryRun: request['dryRun'] === true,
  });
}

function decodeKind(value: unknown): GroupVersionKind | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  const { group = '', version, kind } = value;
  return typeof group === 'string' && typeof version === 'string' && typeof kind === 'string'
    ? { group, version, kind }
    : undefined;
}

function decodeResource(value: unknown): string | undefined {
  const name = isJsonObject(value) ? value['resource'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

function decodeOperation(value: unknown): Operation | undefined {
  return value === 'CREATE' || value === 'UPDATE' || value === 'DELETE' || value === 'CONNECT' ? value : undefined;
}

type Texts = Pick<AdmissionRequest, 'name' | 'namespace' | 'subResource'>;

function decodeTexts(request: JsonObject): Texts | undefined {
  const { name = '', namespace = '', subResource = '' } = request;
  return typeof name === 'string' && typeof namespace === 'string' && typeof subResource === 'string'
    ? { name, namespace, subResource }
    : undefined;
}

type Objects = Pick<AdmissionRequest, 'object' | 'oldObject' | 'options'>;

function decodeObjects(request: JsonObject): Objects | undefined {
  const { object = null, oldObject = null, options = null } = request;
  const isRead = (value: unknown): value is JsonObject | null => value === null || isJsonObject(value);
  return isRead(object) && isRead(oldObject) && isRead(options) ? { object, oldObject, options } : undefined;
}

/** AR-29: groups and extra may be absent; extra values are lists. A lone string there is what no API server sends. */
function decodeRequester(value: unknown): Requester | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  const { username = '', uid = '' } = value;
  const groups = value['groups'] ?? [];
  const extra = decodeExtra(value['extra'] ?? {});
  if (typeof username !== 'string' || typeof uid !== 'string' || !isTextList(groups) || extra === undefined) {
    return undefined;
  }
  return { username, uid, groups, extra };
}

function decodeExtra(value: unknown): Requester['extra'] | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  const entries: [string, readonly string[]][] = [];
  for (const [key, list] of Object.entries(value)) {
    if (!isTextList(list)) {
      return undefined;
    }
    entries.push([key.toLowerCase(), list]);
  }
  return Object.fromEntries(entries);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Walks with a stack of its own instead of the call stack, which hostile input must not be able to exhaust. */
function isTooDeep(root: object): boolean {
  const open: { readonly value: object; readonly depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > maxDepth) {
      return true;
    }
    for (const child of membersOf(next.value)) {
      if (typeof child === 'object' && child !== null) {
        open.push({ value: child, depth: next.depth + 1 });
      }
    }
  }
  return false;
}

function membersOf(value: object): readonly unknown[] {
  return Object.values(value);
}
