import type { Clock } from '../../runtime/clock.ts';

/** Container restarts a token may see before it must rotate: each makes a new key, and so does whoever replays a stolen token. */
const restartsAllowed = 10;

/** What a use of a token with a key is: the first key or the same again, another key (a restart, or a thief), or one too many. */
export type TokenUse = 'fresh' | 'reused' | 'exhausted';

/** Binds each token to the first key it was used with, until it expires. A stolen token so shows, and is soon used up. */
export interface TokenBindings {
  /** Notes the use and judges it. `tokenDigest` and `keyDigest`: SHA-256, hex. `expiresAt`: of the token. */
  use(tokenDigest: string, keyDigest: string, expiresAt: Date): TokenUse;
}

interface Binding {
  keyDigest: string;
  restarts: number;
  readonly expiresAt: Date;
}

/** Bindings in memory: a replica that restarts forgets them, as it forgets its keys. */
export function tokenBindings(clock: Clock): TokenBindings {
  const bindings = new Map<string, Binding>();
  let sweepAt = 1024;
  const sweep = (): void => {
    const now = clock.now();
    for (const [digest, { expiresAt }] of bindings) {
      if (expiresAt <= now) {
        bindings.delete(digest);
      }
    }
    sweepAt = Math.max(1024, bindings.size * 2);
  };
  return {
    use(tokenDigest, keyDigest, expiresAt) {
      const binding = bindings.get(tokenDigest);
      if (binding === undefined) {
        if (bindings.size >= sweepAt) {
          sweep();
        }
        bindings.set(tokenDigest, { keyDigest, restarts: 0, expiresAt });
        return 'fresh';
      }
      if (binding.keyDigest === keyDigest) {
        return 'fresh';
      }
      if (binding.restarts >= restartsAllowed) {
        return 'exhausted';
      }
      binding.restarts += 1;
      binding.keyDigest = keyDigest;
      return 'reused';
    },
  };
}
