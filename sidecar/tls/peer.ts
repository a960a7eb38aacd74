import type { TLSSocket } from 'node:tls';
import { peerChain } from '../../authority/client/peer-chain.ts';
import type { Problem } from '../../runtime/parsed.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import type { BundleSet, IdentitySnapshot } from '../identity/svid-store.ts';
import type { Refusal } from '../reasons.ts';

/** A proven peer. `chain`: what it sent, leaf first, kept to judge it again. `notAfter`: the earliest end of validity on its path. */
export interface Peer {
  readonly spiffeId: SpiffeId;
  /** Lower-case hex. */
  readonly serial: string;
  /** Lower-case hex. */
  readonly leafSha256: string;
  readonly notAfter: Date;
  readonly chain: readonly Uint8Array[];
}

export type PeerVerdict =
  | { readonly ok: true; readonly peer: Peer }
  | { readonly ok: false; readonly refusal: Refusal };

/** Judges peers. Good verdicts are kept per leaf while the bundles stay the same and the path is valid. */
export interface PeerJudge {
  judge(socket: TLSSocket, snapshot: IdentitySnapshot, at: Date): PeerVerdict;
}

const capacity = 1_024;

/**
 * The second judgement of every TLS connection.
 *
 * OpenSSL has found a path to the union of all anchors; here the peer's one URI names its trust domain, and the chain must lead to an anchor of that very
 * domain. `onLookup` is told whether the cache knew the leaf.
 */
export function createPeerJudge(onLookup: (result: 'hit' | 'miss') => void = () => undefined): PeerJudge {
  const verdicts = new Map<string, Peer>();
  let bundles: BundleSet | undefined;
  return {
    judge(socket, snapshot, at) {
      if (snapshot.bundles !== bundles) {
        verdicts.clear();
        bundles = snapshot.bundles;
      }
      const leaf = socket.getPeerX509Certificate();
      if (leaf === undefined) {
        return refuse({ reason: 'no-client-certificate' });
      }
      const key = leaf.fingerprint256;
      const known = verdicts.get(key);
      onLookup(known === undefined ? 'miss' : 'hit');
      if (known !== undefined && at <= known.notAfter) {
        return { ok: true, peer: known };
      }
      const verdict = judgeChain(peerChain(socket), key, snapshot.bundles, at);
      remember(verdicts, key, verdict);
      return verdict;
    },
  };
}

/** Whether a chain that was good still leads to an anchor of its own domain. */
export function isStillTrusted(peer: Peer, bundles: BundleSet, at: Date): boolean {
  return verifyX509Svid(peer.chain, bundles, at).ok;
}

function judgeChain(chain: readonly Uint8Array[], fingerprint: string, bundles: BundleSet, at: Date): PeerVerdict {
  const verified = verifyX509Svid(chain, bundles, at);
  if (!verified.ok) {
    return refuse(refusalOf(verified.problem));
  }
  const { spiffeId, earliestNotAfter, chain: path } = verified.value;
  const leafSha256 = fingerprint.replaceAll(':', '').toLowerCase();
  const serial = path[0]?.serial ?? '';
  return { ok: true, peer: { spiffeId, serial, leafSha256, notAfter: earliestNotAfter, chain } };
}

function refusalOf({ code, clause }: Problem): Refusal {
  const reason = code === 'bundle-unknown' ? 'peer-domain-unknown' : 'peer-invalid';
  return { reason, detail: clause ?? code };
}

function refuse(refusal: Refusal): PeerVerdict {
  return { ok: false, refusal };
}

/** Keeps good verdicts only; the oldest makes room. */
function remember(verdicts: Map<string, Peer>, key: string, verdict: PeerVerdict): void {
  verdicts.delete(key);
  if (!verdict.ok) {
    return;
  }
  const oldest = verdicts.size >= capacity ? verdicts.keys().next() : undefined;
  if (oldest?.done === false) {
    verdicts.delete(oldest.value);
  }
  verdicts.set(key, verdict.peer);
}
