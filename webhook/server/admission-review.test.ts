import { describe, expect, it } from 'vitest';
import { decodeAdmissionReview, decodeAdmissionReviewValue } from './admission-review.ts';

const envelope = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'd11195e4-a452-4517-b05e-854f88b95edd',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    requestKind: { group: 'apps', version: 'v1beta1', kind: 'Deployment' },
    name: 'web',
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'alice', uid: 'u1', groups: ['team-a'], extra: { 'Example.com/Key': ['a', 'b'] } },
    object: { metadata: { name: 'web' } },
    oldObject: null,
    dryRun: true,
    options: { kind: 'CreateOptions' },
  },
};
const withRequest = (change: Readonly<Record<string, unknown>>): unknown => ({
  ...envelope,
  request: { ...envelope.request, ...change },
});
const bytesOf = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const codeOf = (input: Uint8Array): string => {
  const parsed = decodeAdmissionReview(input);
  return parsed.ok ? 'accepted' : parsed.problem.code;
};

describe('decoding a review', () => {
  it('AR-23 keeps the kind that is judged and the kind that was asked for apart', () => {
    expect(decodeAdmissionReview(bytesOf(envelope))).toMatchObject({
      ok: true,
      value: {
        uid: envelope.request.uid,
        kind: { version: 'v1' },
        requestKind: { version: 'v1beta1' },
        resource: 'deployments',
        dryRun: true,
      },
    });
  });

  it('AR-29 reads absent groups as none, extra values as lists under lower-case keys', () => {
    expect(decodeAdmissionReviewValue(withRequest({ userInfo: { username: 'bob' } }))).toMatchObject({
      ok: true,
      value: { requester: { username: 'bob', uid: '', groups: [], extra: {} } },
    });
    expect(decodeAdmissionReview(bytesOf(envelope))).toMatchObject({
      ok: true,
      value: { requester: { extra: { 'example.com/key': ['a', 'b'] } } },
    });
  });

  it.each([
    ['groups that are no list', { userInfo: { username: 'bob', groups: 'system:masters' } }],
    ['an extra value that is no list', { userInfo: { username: 'bob', extra: { k: 'v' } } }],
    ['a username that is no text', { userInfo: { username: 7 } }],
  ])('AR-29 refuses %s', (_, change) => {
    expect(decodeAdmissionReviewValue(withRequest(change))).toMatchObject({
      ok: false,
      problem: { code: 'malformed-review' },
    });
  });

  it.each(['admission.k8s.io/v1beta1', 'admission.k8s.io/v2', ''])(
    'AR-01 refuses version "%s" and names the one it serves',
    (apiVersion) => {
      const parsed = decodeAdmissionReview(bytesOf({ ...envelope, apiVersion }));
      expect(parsed).toMatchObject({ ok: false, problem: { code: 'unsupported-version' } });
      expect(parsed.ok ? '' : parsed.problem.message).toContain('admission.k8s.io/v1');
    },
  );

  it.each([
    ['an empty body', ''],
    ['no JSON', '{'],
    ['trailing bytes', `${JSON.stringify(envelope)}x`],
    ['a byte order mark', `\uFEFF${JSON.stringify(envelope)}`],
    ['a list', '[]'],
    ['null', 'null'],
    ['no request', JSON.stringify({ ...envelope, request: undefined })],
    ['no uid', JSON.stringify(withRequest({ uid: undefined }))],
    ['an empty uid', JSON.stringify(withRequest({ uid: '' }))],
    ['an unknown operation', JSON.stringify(withRequest({ operation: 'PATCH' }))],
    ['an object that is none', JSON.stringify(withRequest({ object: [] }))],
    ['no user', JSON.stringify(withRequest({ userInfo: null }))],
    [
      'bottomless nesting',
      JSON.stringify(withRequest({})).replace(
        '"name":"web"}',
        `"name":"web","deep":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      ),
    ],
  ])('AR-02 refuses %s without detail', (_, body) => {
    expect(decodeAdmissionReview(bytesOf(body))).toEqual({
      ok: false,
      problem: { code: 'malformed-review', message: 'not a well-formed AdmissionReview' },
    });
  });

  it('AR-02 refuses bytes that are no UTF-8', () => {
    expect(codeOf(Uint8Array.from([...bytesOf('{"a":"'), 0xff, 0xfe, ...bytesOf('"}')]))).toBe('malformed-review');
  });

  it('AR-03 lets the last of duplicate keys win, as the API server does', () => {
    const body = JSON.stringify(envelope).replace('"name":"web"', '"name":"first","name":"web"');
    expect(decodeAdmissionReview(bytesOf(body))).toMatchObject({ ok: true, value: { name: 'web' } });
  });

  it('AR-03 takes __proto__ and constructor for data', () => {
    const body = JSON.stringify(envelope).replace(
      '"object":{',
      '"object":{"__proto__":{"polluted":true},"constructor":{"a":1},',
    );
    const parsed = decodeAdmissionReview(bytesOf(body));
    const object = parsed.ok ? parsed.value.object : null;
    expect(Object.keys(object ?? {})).toEqual(['__proto__', 'constructor', 'metadata']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(object?.['polluted']).toBeUndefined();
  });

  it('AR-21 takes a DELETE without object and a CONNECT without old object', () => {
    expect(
      decodeAdmissionReviewValue(withRequest({ operation: 'DELETE', object: null, oldObject: { metadata: {} } })),
    ).toMatchObject({
      ok: true,
      value: { operation: 'DELETE', object: null, oldObject: { metadata: {} } },
    });
    expect(decodeAdmissionReviewValue(withRequest({ operation: 'CONNECT', oldObject: undefined }))).toMatchObject({
      ok: true,
      value: { oldObject: null },
    });
  });

  it('AR-22 takes a CREATE without a name', () => {
    expect(decodeAdmissionReviewValue(withRequest({ name: undefined }))).toMatchObject({
      ok: true,
      value: { name: '' },
    });
  });
});
