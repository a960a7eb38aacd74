import { Failure } from './failure.ts';

/** An error as plain data that is safe to log: `JSON.stringify` of an Error alone gives `{}`. */
export interface DescribedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
  readonly stack?: string;
  readonly cause?: DescribedError;
  /** The first of an `AggregateError`, such as one per address that was dialled. */
  readonly errors?: readonly DescribedError[];
}

const deepest = 5;
const widest = 4;

/** Name, message, code, fields and stack of anything thrown, with its causes, at most five deep. Never the members of a foreign error, which may hold a request. */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) {
    return { name: 'NotAnError', message: typeof error === 'string' ? error : typeof error };
  }
  const code = codeOf(error);
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(error instanceof Failure ? { fields: { ...error.fields } } : {}),
    ...(error.stack === undefined || depth > 0 ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= deepest ? {} : { cause: describeError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError && depth < deepest ? { errors: describeAll(error.errors, depth + 1) } : {}),
  };
}

const describeAll = (errors: readonly unknown[], depth: number): readonly DescribedError[] =>
  errors.slice(0, widest).map((error) => describeError(error, depth));

function codeOf(error: Error): string | undefined {
  const code: unknown = error instanceof Failure ? error.code : 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
