import { Failure } from '../runtime/failure.ts';

/** `usage`: the command line makes no sense. `state`: what stands for the cluster could not be read. Both end with exit code 2. */
export class CliFailure extends Failure<'usage' | 'state'> {
  override readonly name = 'CliFailure';
}
