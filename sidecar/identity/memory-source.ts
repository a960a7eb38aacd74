import { IdentityFailure, type IdentitySource, type ObtainedSvid } from './identity-source.ts';

/** A source that gives what it is told to: each call takes the next answer, the last one for ever. A text is a refusal with that reason. */
export function memorySource(answers: readonly (ObtainedSvid | IdentityFailure | string)[]): IdentitySource & {
  /** How often it was asked. */
  calls(): number;
} {
  let calls = 0;
  return {
    calls: () => calls,
    obtain() {
      const answer = answers[Math.min(calls, answers.length - 1)];
      calls += 1;
      if (answer === undefined || typeof answer === 'string') {
        return Promise.reject(new IdentityFailure('refused', { reason: answer ?? 'nothing-prepared' }));
      }
      return answer instanceof IdentityFailure ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}
