import { Failure } from '../runtime/failure.ts';

/** `not-started`: not ready in time; the message names what is missing. `tls-self-test`: this Node does not tell us OpenSSL's verdict. */
export class SidecarFailure extends Failure<'not-started' | 'tls-self-test'> {
  override readonly name = 'SidecarFailure';
}
