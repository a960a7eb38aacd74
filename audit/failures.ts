import { Failure } from '../runtime/failure.ts';

/** `audit-unavailable`: the log cannot be written in time. `overloaded`: too many wait for it. Both mean: no grant. */
export class AuditFailure extends Failure<'audit-unavailable' | 'overloaded'> {
  override readonly name = 'AuditFailure';
}
