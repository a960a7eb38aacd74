import { z } from 'zod';
import { Secret } from '../../runtime/secret.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import type { TokenReviewAnswer } from './ports.ts';

/** More than any projected token has (step 1 of `attest.ts`, as every step named here). */
export const longestTokenBytes = 16 * 1024;

/** Whom a pod-bound service-account token names, by the API server's word. */
export interface TokenIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly podName: string;
  readonly podUid: string;
  /** Where the cluster sends them. */
  readonly nodeName?: string;
  readonly nodeUid?: string;
  /** `JTI=...`: names the token in the API server's audit log. */
  readonly credentialId?: string;
}

/** Step 1, the token's half: present, bounded, of three segments. `header`: the whole `Authorization` header. */
export function tokenOf(header: string | undefined): Granted<Secret> {
  if (header === undefined || header === '') {
    return refuse('token-missing');
  }
  const space = header.indexOf(' ');
  const token = header.slice(space + 1).trim();
  if (header.slice(0, space).toLowerCase() !== 'bearer' || token === '') {
    return refuse('token-missing', { detail: 'not a bearer token' });
  }
  if (Buffer.byteLength(token) > longestTokenBytes) {
    return refuse('token-malformed', { detail: 'longer than 16 KiB' });
  }
  const segments = token.split('.');
  return segments.length === 3 && segments.every((segment) => segment !== '')
    ? granted(new Secret(token))
    : refuse('token-malformed', { detail: 'not three segments' });
}

/** Steps 4 to 7: authenticated, for our audience, a service account, bound to one pod. */
export function judgeReview(answer: TokenReviewAnswer, audience: string): Granted<TokenIdentity> {
  if (!answer.authenticated || (answer.error ?? '') !== '') {
    return refuse('token-rejected', answer.error === undefined ? {} : { detail: answer.error });
  }
  // An API server that knows nothing of audiences leaves the field empty: then the token was judged for its own.
  if (!answer.audiences.includes(audience)) {
    return refuse('audience');
  }
  const account = accountOf(answer.username);
  if (account === undefined) {
    return refuse('not-a-service-account');
  }
  const podName = oneExtra(answer, 'authentication.kubernetes.io/pod-name');
  const podUid = oneExtra(answer, 'authentication.kubernetes.io/pod-uid');
  if (podName === undefined || podUid === undefined) {
    return refuse('token-not-pod-bound');
  }
  return granted({ ...account, podName, podUid, ...nodeAndCredential(answer) });
}

function nodeAndCredential(answer: TokenReviewAnswer): Pick<TokenIdentity, 'nodeName' | 'nodeUid' | 'credentialId'> {
  const nodeName = oneExtra(answer, 'authentication.kubernetes.io/node-name');
  const nodeUid = oneExtra(answer, 'authentication.kubernetes.io/node-uid');
  const credentialId = oneExtra(answer, 'authentication.kubernetes.io/credential-id');
  return {
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(nodeUid === undefined ? {} : { nodeUid }),
    ...(credentialId === undefined ? {} : { credentialId }),
  };
}

/** Exactly `system:serviceaccount:<namespace>:<name>` with names Kubernetes would accept. */
function accountOf(username: string): Pick<TokenIdentity, 'namespace' | 'serviceAccount'> | undefined {
  const [system, kind, namespace, serviceAccount, ...more] = username.split(':');
  if (
    system !== 'system' ||
    kind !== 'serviceaccount' ||
    namespace === undefined ||
    serviceAccount === undefined ||
    more.length > 0
  ) {
    return undefined;
  }
  const isNamed = isDnsLabel(namespace) && serviceAccount.length <= 253 && serviceAccount.split('.').every(isDnsLabel);
  return isNamed ? { namespace, serviceAccount } : undefined;
}

function oneExtra(answer: TokenReviewAnswer, key: string): string | undefined {
  const values = answer.extra[key];
  return values?.length === 1 && values[0] !== '' ? values[0] : undefined;
}

function isDnsLabel(name: string): boolean {
  const isInner = (character: string): boolean => isAlphanumeric(character) || character === '-';
  return (
    name.length <= 63 && isAlphanumeric(name.at(0)) && isAlphanumeric(name.at(-1)) && Array.from(name).every(isInner)
  );
}

function isAlphanumeric(character: string | undefined): boolean {
  return character !== undefined && ((character >= 'a' && character <= 'z') || (character >= '0' && character <= '9'));
}

/** Claims of a token that the API server accepted; not judged here, only noted. */
export interface NotedClaims {
  readonly expiresAt: Date | undefined;
  readonly jti: string | undefined;
}

const claims = z.object({ exp: z.number().optional(), jti: z.string().max(256).optional() });

/** Reads `exp` and `jti` of a token. Call it after step 4 only: before, nothing vouches for them. */
export function claimsOf(token: Secret): NotedClaims {
  const parsed = claims.safeParse(jsonOf(token.expose().split('.')[1] ?? ''));
  const { exp, jti } = parsed.success ? parsed.data : {};
  return { expiresAt: exp === undefined ? undefined : new Date(exp * 1000), jti };
}

function jsonOf(segment: string): unknown {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
