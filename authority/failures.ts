import { Failure } from '../runtime/failure.ts';

/**
 * What stops the authority, as opposed to a refusal of one caller.
 *
 * `bundle-unreadable`: a `TrustBundle` object of our domain exists and cannot be read: nobody may overwrite what others trust. `bundle-conflict`: it kept
 * changing under us. `founding-not-read-back`: what was written is not what came back.
 */
export type AuthorityProgramFailureCode = 'bundle-unreadable' | 'bundle-conflict' | 'founding-not-read-back';

export class AuthorityProgramFailure extends Failure<AuthorityProgramFailureCode> {
  override readonly name = 'AuthorityProgramFailure';
}
