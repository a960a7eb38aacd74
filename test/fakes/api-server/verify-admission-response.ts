import { accepted, type Parsed, refused } from '../../../runtime/parsed.ts';
import { isList, isObject, type Json, type JsonObject, valueAt } from './json.ts';

/** A webhook's answer as the API server goes on with it. */
export interface VerifiedResponse {
  readonly allowed: boolean;
  /** Decoded from base64; the empty text is none. */
  readonly patch: string;
  readonly patchType: string;
  /** The metav1.Status of a denial, as it came. */
  readonly status: JsonObject | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: ReadonlyMap<string, string>;
}

/**
 * What the API server asks of every answer of a webhook before it believes it; written from its behaviour. Problem codes: `malformed` (a member of the
 * wrong type, which Go refuses to decode), `response-absent`, `uid`, `type`, `patch`, `patch-type`, `validating-patch`; the messages are worded as there.
 * Checks neither that the patch applies nor the keys of audit annotations: bad ones are dropped, not refused (`isAuditAnnotationKey`).
 *
 * `review`: the parsed body. `uid`: that of the request. `kind`: which configuration the webhook stands in.
 */
export function verifyAdmissionResponse(
  uid: string,
  kind: 'mutating' | 'validating',
  review: Json,
): Parsed<VerifiedResponse> {
  if (!isObject(review)) {
    return problem('malformed', 'json: cannot unmarshal into Go value of type v1.AdmissionReview');
  }
  const response = review['response'];
  const misfit = isObject(response) ? mistyped(review, response) : undefined;
  if (misfit !== undefined) {
    return problem('malformed', `json: cannot unmarshal into Go struct field ${misfit}`);
  }
  if (!isObject(response)) {
    return problem('response-absent', 'webhook response was absent');
  }
  const fault = firstFault(uid, kind, review, response);
  return fault ?? accepted(verified(response));
}

/** May an audit annotation have this key? The server prefixes `<webhook name>/` and drops what is then no qualified name. */
export function isAuditAnnotationKey(key: string): boolean {
  return /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(key) && key.length <= 63;
}

type Refused = ReturnType<typeof refused>;

const expectedType = 'admission.k8s.io/v1, Kind=AdmissionReview';

function firstFault(
  uid: string,
  kind: 'mutating' | 'validating',
  review: JsonObject,
  response: JsonObject,
): Refused | undefined {
  const given = textOf(response['uid']);
  if (given !== uid) {
    return problem('uid', `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`);
  }
  const type = typeOf(textOf(review['apiVersion']), textOf(review['kind']));
  if (type !== expectedType) {
    return problem('type', `expected webhook response of ${expectedType}, got ${type}`);
  }
  return kind === 'mutating' ? patchFault(response) : validatingFault(response);
}

function patchFault(response: JsonObject): Refused | undefined {
  const hasPatch = textOf(response['patch']) !== '';
  const type = response['patchType'] ?? undefined;
  if (hasPatch && type === undefined) {
    return problem('patch-type', 'webhook returned response.patch but not response.patchType');
  }
  if (!hasPatch && type !== undefined) {
    return problem('patch', 'webhook returned response.patchType but not response.patch');
  }
  if (type !== undefined && type !== 'JSONPatch') {
    return problem(
      'patch-type',
      type === ''
        ? 'webhook returned invalid response.patchType of ""'
        : `unsupported patch type ${JSON.stringify(type)}`,
    );
  }
  return undefined;
}

function validatingFault(response: JsonObject): Refused | undefined {
  if (textOf(response['patch']) !== '') {
    return problem('validating-patch', 'validating webhook may not return response.patch');
  }
  return (response['patchType'] ?? undefined) === undefined
    ? undefined
    : problem('validating-patch', 'validating webhook may not return response.patchType');
}

/** The member Go could not decode, if there is one. Null stands for absent, as in Go. */
function mistyped(review: JsonObject, response: JsonObject): string | undefined {
  const isText = (value: Json): boolean => typeof value === 'string';
  const isTexts = (value: Json): boolean =>
    isList(value) && value.every((item) => typeof item === 'string' || item === null);
  const isTextMap = (value: Json): boolean =>
    isObject(value) && Object.values(value).every((item) => typeof item === 'string' || item === null);
  const expectations: readonly (readonly [string, Json | undefined, (value: Json) => boolean])[] = [
    ['AdmissionReview.apiVersion', review['apiVersion'], isText],
    ['AdmissionReview.kind', review['kind'], isText],
    ['AdmissionResponse.response.uid', response['uid'], isText],
    ['AdmissionResponse.response.allowed', response['allowed'], (value) => typeof value === 'boolean'],
    ['AdmissionResponse.response.patch', response['patch'], (value) => typeof value === 'string' && isBase64(value)],
    ['AdmissionResponse.response.patchType', response['patchType'], isText],
    ['AdmissionResponse.response.warnings', response['warnings'], isTexts],
    ['AdmissionResponse.response.auditAnnotations', response['auditAnnotations'], isTextMap],
    ['AdmissionResponse.response.status', response['status'], isObject],
    ['Status.status.message', valueAt(response, 'status', 'message'), isText],
    ['Status.status.reason', valueAt(response, 'status', 'reason'), isText],
    ['Status.status.code', valueAt(response, 'status', 'code'), (value) => Number.isInteger(value)],
  ];
  return expectations.find(([, value, fits]) => value !== undefined && value !== null && !fits(value))?.[0];
}

function verified(response: JsonObject): VerifiedResponse {
  const status = response['status'];
  const annotations = response['auditAnnotations'];
  const entries = isObject(annotations) ? Object.entries(annotations) : [];
  return {
    allowed: response['allowed'] === true,
    patch: Buffer.from(textOf(response['patch']), 'base64').toString(),
    patchType: textOf(response['patchType']),
    status: isObject(status) ? status : undefined,
    warnings: isList(response['warnings']) ? response['warnings'].map(textOf) : [],
    auditAnnotations: new Map(entries.map(([key, value]) => [key, textOf(value)])),
  };
}

/** Go's standard encoding: padded, line breaks ignored. */
function isBase64(text: string): boolean {
  const plain = text.replaceAll(/[\r\n]/g, '');
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
}

function typeOf(apiVersion: string, kind: string): string {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? `/${first}, Kind=${kind}` : `${first}/${second}, Kind=${kind}`;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function problem(code: string, message: string): Refused {
  return refused({ code, message });
}
