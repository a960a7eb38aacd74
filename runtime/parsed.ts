/**
 * Why a value from outside was not accepted.
 *
 * `code`: a kebab-case word of a closed set of the parser. `message`: one sentence for a person, never containing a secret.
 * `clause`: the clause of a specification that was broken, such as `ID-05`. `offset`: byte offset of the first fault.
 * `path`: JSON pointer to the faulty member.
 */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly clause?: string;
  readonly offset?: number;
  readonly path?: string;
}

/** What a parser of untrusted input gives: the value, or the one problem that refused it. Never throws. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** The accepted value. */
export function accepted<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** The refusal. */
export function refused(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem };
}

/** The value of literals and tests, where a problem is a programmer's mistake: throws `TypeError` with the problem's text. */
export function requireParsed<T>(parsed: Parsed<T>): T {
  if (parsed.ok) {
    return parsed.value;
  }
  throw new TypeError(`${parsed.problem.clause ?? parsed.problem.code}: ${parsed.problem.message}`);
}
