import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from './json.ts';
import { isAuditAnnotationKey, verifyAdmissionResponse } from './verify-admission-response.ts';

/** A good answer to request `u`, with one change. */
function answer(response: Json, review: JsonObject = {}): JsonObject {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response, ...review };
}

const patch = Buffer.from('[{"op":"add","path":"/a","value":1}]').toString('base64');
const both = ['mutating', 'validating'] as const;

type Case = readonly [name: string, review: Json, mutating: string | undefined, validating: string | undefined];

/** Expected problem codes; undefined where the answer is good. */
const cases: readonly Case[] = [
  ['allows', answer({ uid: 'u', allowed: true }), undefined, undefined],
  ['denies', answer({ uid: 'u', allowed: false, status: { code: 403, message: 'no' } }), undefined, undefined],
  ['says nothing of allowed', answer({ uid: 'u' }), undefined, undefined],
  ['says null of allowed', answer({ uid: 'u', allowed: null }), undefined, undefined],
  [
    'carries warnings and annotations',
    answer({ uid: 'u', allowed: true, warnings: ['w'], auditAnnotations: { a: 'b' } }),
    undefined,
    undefined,
  ],
  [
    'carries members nobody knows',
    answer({ uid: 'u', allowed: true, more: 1 }, { metadata: {} }),
    undefined,
    undefined,
  ],
  ['patches', answer({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch }), undefined, 'validating-patch'],
  [
    'denies and patches',
    answer({ uid: 'u', allowed: false, patchType: 'JSONPatch', patch }),
    undefined,
    'validating-patch',
  ],
  ['patches without a type', answer({ uid: 'u', allowed: true, patch }), 'patch-type', 'validating-patch'],
  [
    'patches with a type of null',
    answer({ uid: 'u', allowed: true, patch, patchType: null }),
    'patch-type',
    'validating-patch',
  ],
  [
    'names a type without a patch',
    answer({ uid: 'u', allowed: true, patchType: 'JSONPatch' }),
    'patch',
    'validating-patch',
  ],
  [
    'names a type with an empty patch',
    answer({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch: '' }),
    'patch',
    'validating-patch',
  ],
  [
    'names a type with a patch of null',
    answer({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch: null }),
    'patch',
    'validating-patch',
  ],
  ['names an empty type', answer({ uid: 'u', allowed: true, patchType: '', patch }), 'patch-type', 'validating-patch'],
  ['names an empty type and no patch', answer({ uid: 'u', allowed: true, patchType: '' }), 'patch', 'validating-patch'],
  [
    'names another type',
    answer({ uid: 'u', allowed: true, patchType: 'MergePatch', patch }),
    'patch-type',
    'validating-patch',
  ],
  ['carries an empty patch alone', answer({ uid: 'u', allowed: true, patch: '' }), undefined, undefined],
  ['answers another request', answer({ uid: 'v', allowed: true }), 'uid', 'uid'],
  ['answers without a uid', answer({ allowed: true }), 'uid', 'uid'],
  ['answers in another case of the uid', answer({ uid: 'U', allowed: true }), 'uid', 'uid'],
  ['has no response', answer(null), 'response-absent', 'response-absent'],
  [
    'has a review and nothing else',
    { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    'response-absent',
    'response-absent',
  ],
  [
    'is another version',
    answer({ uid: 'u', allowed: true }, { apiVersion: 'admission.k8s.io/v1beta1' }),
    'type',
    'type',
  ],
  ['is another kind', answer({ uid: 'u', allowed: true }, { kind: 'AdmissionResponse' }), 'type', 'type'],
  ['has no version', answer({ uid: 'u', allowed: true }, { apiVersion: null }), 'type', 'type'],
  ['has no kind', answer({ uid: 'u', allowed: true }, { kind: '' }), 'type', 'type'],
  ['is no object', 'allowed', 'malformed', 'malformed'],
  ['is a list', [], 'malformed', 'malformed'],
  ['is null', null, 'malformed', 'malformed'],
  ['allows in words', answer({ uid: 'u', allowed: 'true' }), 'malformed', 'malformed'],
  [
    'patches in clear',
    answer({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch: '[]' }),
    'malformed',
    'malformed',
  ],
  [
    'patches unpadded',
    answer({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch: 'W10' }),
    'malformed',
    'malformed',
  ],
  [
    'patches by a list',
    answer({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch: [] }),
    'malformed',
    'malformed',
  ],
  ['warns in one word', answer({ uid: 'u', allowed: true, warnings: 'w' }), 'malformed', 'malformed'],
  ['warns in numbers', answer({ uid: 'u', allowed: true, warnings: [1] }), 'malformed', 'malformed'],
  ['annotates in numbers', answer({ uid: 'u', allowed: true, auditAnnotations: { a: 1 } }), 'malformed', 'malformed'],
  ['denies by a text', answer({ uid: 'u', allowed: false, status: 'no' }), 'malformed', 'malformed'],
  [
    'denies with a code in words',
    answer({ uid: 'u', allowed: false, status: { code: '403' } }),
    'malformed',
    'malformed',
  ],
  [
    'denies with a broken code',
    answer({ uid: 'u', allowed: false, status: { code: 403.5 } }),
    'malformed',
    'malformed',
  ],
];

describe('an answer that', () => {
  test.each(cases)('%s', (_name, review, mutating, validating) => {
    const codes = both.map((kind) => {
      const verdict = verifyAdmissionResponse('u', kind, review);
      return verdict.ok ? undefined : verdict.problem.code;
    });
    expect(codes).toEqual([mutating, validating]);
  });
});

test('gives what the server goes on with', () => {
  const status = { code: 403, message: 'no' };
  const review = answer({
    uid: 'u',
    allowed: false,
    status,
    patchType: 'JSONPatch',
    patch,
    warnings: ['w', null],
    auditAnnotations: { a: 'b', c: null },
  });
  const verdict = verifyAdmissionResponse('u', 'mutating', review);
  expect(verdict).toEqual({
    ok: true,
    value: {
      allowed: false,
      patch: '[{"op":"add","path":"/a","value":1}]',
      patchType: 'JSONPatch',
      status,
      warnings: ['w', ''],
      auditAnnotations: new Map([
        ['a', 'b'],
        ['c', ''],
      ]),
    },
  });
});

test('words a wrong uid as the server does', () => {
  const verdict = verifyAdmissionResponse('u', 'validating', answer({ uid: 'v', allowed: true }));
  expect(verdict).toMatchObject({ problem: { message: 'expected response.uid="u", got "v"' } });
});

test.each([
  ['decision', true],
  ['policy-revision', true],
  ['a.b_c', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['a/b', false],
  ['-a', false],
  ['a-', false],
  ['ä', false],
])('audit annotation key %j is a good one: %j', (key, isGood) => {
  expect(isAuditAnnotationKey(key)).toBe(isGood);
});
