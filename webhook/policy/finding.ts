import type { PolicyRule } from '../ceiling/policy-rule.ts';

/** Text that may be shown: built from literals, names and numbers by a rule, never from a matched value. */
export type SafeText = string & { readonly safe?: never };

/**
 * What a rule found. It has no severity: the mode decides what becomes of it.
 *
 * `path`: JSON pointer to the offending field of the object as sent. `subject`: what a person calls it (`container "web", env DB_PASSWORD`).
 * `found`: what is wrong there, never the matched value, a part or a hash of it. `fix`: the rule's remediation with its placeholders filled.
 * `cap`: the strongest mode this check may have, where it is weaker than the rule's own. `detector`: id in the detector table (K1, K6, ...).
 * `needs`: what RBAC would have to grant for the finding to vanish; an exemption whose grant holds these rules lifts it. Absent: only a digest can.
 */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  readonly subject: SafeText;
  readonly found: SafeText;
  readonly fix: SafeText;
  readonly cap?: 'warn' | 'audit';
  readonly detector?: string;
  readonly needs?: readonly PolicyRule[];
}

/** Appends segments to a JSON pointer, escaping `~` first, then `/` (RFC 6901 section 3). */
export function pointer(base: string, ...segments: readonly (string | number)[]): string {
  return base + segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
