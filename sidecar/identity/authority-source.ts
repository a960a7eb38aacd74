import { AuthorityFailure } from '../../authority/client/failures.ts';
import type { X509Answer } from '../../authority/client/messages.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { ReachAuthority } from './authority-access.ts';
import { certificateRequest, generateWorkloadKey } from './certificate-request.ts';
import { IdentityFailure, type IdentitySource, type ObtainedSvid } from './identity-source.ts';
import type { ProjectedFiles } from './projected-files.ts';
import { readReceivedBundles } from './received-bundles.ts';
import type { HeldSvid, IdentitySnapshot } from './svid-store.ts';

export interface AuthoritySourceOptions {
  readonly reach: ReachAuthority;
  readonly files: ProjectedFiles;
  readonly trustDomain: TrustDomain;
  /** Asked for; the authority only lowers its own limit to it. */
  readonly ttlSeconds?: number;
  readonly clock: Clock;
}

/** After so many failures in a row every other attempt is made by token alone, in case it is our SVID that is not accepted. */
const patience = 3;

/** Identity from the authority: a new key and CSR each time, proven by the pod's token and, for a renewal, by the SVID held. */
export function authoritySource(options: AuthoritySourceOptions): IdentitySource {
  let failures = 0;
  return {
    async obtain(current) {
      try {
        const showsSvid = failures < patience || failures % 2 === 0;
        const obtained = await request(options, current, showsSvid ? usable(current, options.clock) : undefined);
        failures = 0;
        return obtained;
      } catch (error) {
        failures += 1;
        throw asIdentityFailure(error);
      }
    },
  };
}

async function request(
  { reach, files, trustDomain, ttlSeconds }: AuthoritySourceOptions,
  current: IdentitySnapshot | undefined,
  svid: HeldSvid | undefined,
): Promise<ObtainedSvid> {
  const key = await generateWorkloadKey();
  const csr = certificateRequest(key);
  const token = await files.token();
  const call = ttlSeconds === undefined ? { token, csr } : { token, csr, ttlSeconds };
  const { client, result } = await reach({ svid, anchors: current?.bundles.get(trustDomain) }, (authority) =>
    authority.requestX509(call),
  );
  client.close();
  return { ...readAnswer(result, trustDomain), key };
}

function readAnswer(answer: X509Answer, trustDomain: TrustDomain): Omit<ObtainedSvid, 'key'> {
  const received = readReceivedBundles(answer.bundles, answer.sequence, trustDomain);
  if (!received.ok) {
    throw new IdentityFailure('not-accepted', { reason: received.problem.code });
  }
  return {
    ...received.value,
    spiffeId: answer.spiffeId,
    chain: answer.chain.map((certificate) => Buffer.from(certificate, 'base64')),
    entryId: answer.entryId,
  };
}

/** An expired SVID proves nothing, and showing it would end the handshake. */
function usable(current: IdentitySnapshot | undefined, clock: Clock): HeldSvid | undefined {
  return current !== undefined && clock.now() < current.svid.notAfter ? current.svid : undefined;
}

function asIdentityFailure(error: unknown): IdentityFailure {
  if (error instanceof IdentityFailure) {
    return error;
  }
  if (error instanceof AuthorityFailure) {
    const { reason, isFinal, message, retryAfterSeconds } = error;
    const retry = retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1_000 };
    const code = error.code === 'refused' ? 'refused' : 'unavailable';
    return new IdentityFailure(code, { reason, message, isFinal, cause: error, ...retry });
  }
  return new IdentityFailure('unavailable', { reason: 'unexpected', cause: error });
}
