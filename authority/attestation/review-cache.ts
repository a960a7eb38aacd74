import { createHash } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import type { TokenReviewAnswer, TokenReviewer } from './ports.ts';

/** How long an answer holds: the retries of a pod that starts cost one review, and a token taken back is believed no longer than this. */
const keptMs = 10_000;

interface Kept {
  readonly answer: Promise<TokenReviewAnswer>;
  readonly until: number;
}

/**
 * A reviewer that asks once per token and 10 s, callers in between sharing the answer. Tokens are kept by their SHA-256 only; a review that failed is
 * forgotten at once.
 */
export function cachedReviewer(reviewer: TokenReviewer, clock: Clock): TokenReviewer {
  const kept = new Map<string, Kept>();
  const sweep = (now: number): void => {
    // Insertion order is age: the first one still good ends the sweep.
    for (const [key, { until }] of kept) {
      if (until > now) {
        return;
      }
      kept.delete(key);
    }
  };
  return {
    review(token, audience) {
      const now = clock.monotonicMs();
      sweep(now);
      const key = createHash('sha256').update(`${audience}\n`).update(token.expose()).digest('hex');
      const found = kept.get(key);
      if (found !== undefined) {
        return found.answer;
      }
      const answer = reviewer.review(token, audience);
      kept.set(key, { answer, until: now + keptMs });
      answer.catch(() => kept.delete(key));
      return answer;
    },
  };
}
