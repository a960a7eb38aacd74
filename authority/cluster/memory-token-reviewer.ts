import type { TokenReviewAnswer, TokenReviewer } from '../attestation/ports.ts';

/** A reviewer that knows its tokens by heart; every other one is not authenticated, as with an API server. */
export interface MemoryTokenReviewer extends TokenReviewer {
  /** Makes a token known. `audiences`: those it was issued for. */
  accept(
    token: string,
    answer: Omit<TokenReviewAnswer, 'authenticated' | 'audiences'>,
    audiences: readonly string[],
  ): void;
  /** From now on there is no answer, or there is again. */
  setReachable(isReachable: boolean): void;
  /** How often it was asked. */
  reviews(): number;
}

const nobody = { username: '', extra: {}, audiences: [], authenticated: false } as const;

/** Answers as a real API server does: an audience the token was not made for is an error, not an empty list. */
export function memoryTokenReviewer(): MemoryTokenReviewer {
  const known = new Map<
    string,
    { answer: Omit<TokenReviewAnswer, 'authenticated' | 'audiences'>; audiences: readonly string[] }
  >();
  let isReachable = true;
  let count = 0;
  return {
    accept: (token, answer, audiences) => void known.set(token, { answer, audiences }),
    setReachable(next) {
      isReachable = next;
    },
    reviews: () => count,
    review(token, audience) {
      count += 1;
      if (!isReachable) {
        return Promise.reject(new Error('the API server does not answer'));
      }
      const found = known.get(token.expose());
      if (found === undefined) {
        return Promise.resolve({ ...nobody, error: 'invalid bearer token' });
      }
      return Promise.resolve(
        found.audiences.includes(audience)
          ? { ...found.answer, authenticated: true, audiences: [audience] }
          : { ...nobody, error: 'token audiences are invalid for the target audiences' },
      );
    },
  };
}
