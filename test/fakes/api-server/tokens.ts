import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { errors, exportJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../../runtime/clock.ts';
import { type JsonObject, objectAt, requireJson, textAt, textsAt } from './json.ts';
import { serviceAccountUser, type User } from './user.ts';

/** What a token is made of. `pod` and `node` bind it. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly seconds: number;
}

/** Who a token names and for which of the audiences asked for; `none` when it is not one of ours; `refused` with the issuer's words. */
export type TokenVerdict =
  | { readonly kind: 'user'; readonly user: User; readonly audiences: readonly string[] }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'none' };

/** Looks up what tokens are bound to; an object that is gone invalidates them. */
export type BoundObjects = (
  kind: 'serviceaccounts' | 'pods',
  namespace: string,
  name: string,
) => JsonObject | undefined;

/** The service-account issuer: RS256 tokens with the claims of the real one. */
export interface TokenIssuer {
  readonly issuer: string;
  issue(subject: TokenSubject): Promise<string>;
  verify(token: string, audiences: readonly string[], bound: BoundObjects): Promise<TokenVerdict>;
  /** The JWK set served at `/openid/v1/jwks`. */
  keys(): Promise<JsonObject>;
}

export const issuerUrl = 'https://kubernetes.default.svc.cluster.local';

/** An issuer with a new key. */
export function createTokenIssuer(clock: Clock): TokenIssuer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('base64url');
  return {
    issuer: issuerUrl,
    issue: (subject) =>
      new SignJWT(claimsOf(subject, clock.now())).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey),
    verify: async (token, audiences, bound) => {
      const verified = await verifySignature(() =>
        jwtVerify(token, publicKey, { issuer: issuerUrl, algorithms: ['RS256'], currentDate: clock.now() }),
      );
      return 'payload' in verified ? judgeClaims(verified.payload, audiences, bound, clock.now()) : verified;
    },
    keys: async () => {
      const { n = '', e = '' } = await exportJWK(publicKey);
      return { keys: [{ use: 'sig', kty: 'RSA', kid, alg: 'RS256', n, e }] };
    },
  };
}

function claimsOf(subject: TokenSubject, now: Date): JWTPayload {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return {
    aud: [...subject.audiences],
    exp: issuedAt + subject.seconds,
    iat: issuedAt,
    iss: issuerUrl,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace: subject.namespace,
      ...(subject.node === undefined ? {} : { node: subject.node }),
      ...(subject.pod === undefined ? {} : { pod: subject.pod }),
      serviceaccount: subject.serviceAccount,
    },
    nbf: issuedAt,
    sub: `system:serviceaccount:${subject.namespace}:${subject.serviceAccount.name}`,
  };
}

type Verified = { readonly payload: JsonObject } | Exclude<TokenVerdict, { kind: 'user' }>;

async function verifySignature(verify: () => Promise<{ readonly payload: JWTPayload }>): Promise<Verified> {
  try {
    const { payload } = await verify();
    return { payload: objectAt(requireJson({ payload }), 'payload') };
  } catch (error) {
    return error instanceof errors.JWTExpired ? refusedToken('service account token has expired') : { kind: 'none' };
  }
}

function judgeClaims(claims: JsonObject, audiences: readonly string[], bound: BoundObjects, now: Date): TokenVerdict {
  const granted = textsAt(claims, 'aud');
  const common = granted.filter((audience) => audiences.includes(audience));
  if (common.length === 0) {
    return refusedToken(`token audiences ${quoted(granted)} is invalid for the target audiences ${quoted(audiences)}`);
  }
  const fault = boundObjectFault(claims, bound, now);
  return fault === undefined ? { kind: 'user', user: userOf(claims), audiences: common } : refusedToken(fault);
}

/** A pod being deleted keeps its tokens for a minute beyond its deletion time, as in the real server. */
const deletionLeewayMs = 60_000;

function boundObjectFault(claims: JsonObject, bound: BoundObjects, now: Date): string | undefined {
  const facts = objectAt(claims, 'kubernetes.io');
  const namespace = textAt(facts, 'namespace');
  const account = bound('serviceaccounts', namespace, textAt(facts, 'serviceaccount', 'name'));
  if (account === undefined || isLongDeleted(account, now)) {
    return invalidated;
  }
  if (textAt(account, 'metadata', 'uid') !== textAt(facts, 'serviceaccount', 'uid')) {
    return `service account UID (${textAt(account, 'metadata', 'uid')}) does not match claim (${textAt(facts, 'serviceaccount', 'uid')})`;
  }
  if (textAt(facts, 'pod', 'name') === '') {
    return undefined;
  }
  const pod = bound('pods', namespace, textAt(facts, 'pod', 'name'));
  if (pod === undefined || isLongDeleted(pod, now)) {
    return invalidated;
  }
  const uid = textAt(pod, 'metadata', 'uid');
  const claimed = textAt(facts, 'pod', 'uid');
  return uid === claimed ? undefined : `pod UID (${uid}) does not match service account pod ref claim (${claimed})`;
}

const invalidated = 'service account token has been invalidated';

function isLongDeleted(object: JsonObject, now: Date): boolean {
  const deletion = textAt(object, 'metadata', 'deletionTimestamp');
  return deletion !== '' && Date.parse(deletion) + deletionLeewayMs < now.getTime();
}

function userOf(claims: JsonObject): User {
  const facts = objectAt(claims, 'kubernetes.io');
  const extra = (key: string, value: string): [string, readonly string[]][] =>
    value === '' ? [] : [[`authentication.kubernetes.io/${key}`, [value]]];
  return serviceAccountUser({
    namespace: textAt(facts, 'namespace'),
    name: textAt(facts, 'serviceaccount', 'name'),
    uid: textAt(facts, 'serviceaccount', 'uid'),
    extra: Object.fromEntries([
      ...extra('credential-id', `JTI=${textAt(claims, 'jti')}`),
      ...extra('node-name', textAt(facts, 'node', 'name')),
      ...extra('node-uid', textAt(facts, 'node', 'uid')),
      ...extra('pod-name', textAt(facts, 'pod', 'name')),
      ...extra('pod-uid', textAt(facts, 'pod', 'uid')),
    ]),
  });
}

function refusedToken(why: string): { readonly kind: 'refused'; readonly error: string } {
  return { kind: 'refused', error: `[invalid bearer token, ${why}]` };
}

function quoted(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;
}
