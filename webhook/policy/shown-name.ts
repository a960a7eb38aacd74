import type { SafeText } from './finding.ts';

const longestShown = 64;

/**
 * A name of the object as a finding shows it: in quotes. Names are untrusted too: what is not printable ASCII becomes `?`, and a name over 64 characters,
 * which may be a credential put in the place of a name, is replaced by its length.
 */
export function shownName(name: string): SafeText {
  return name.length > longestShown ? `(a name of ${name.length} characters)` : `"${printable(name)}"`;
}

/** The same without quotes, for environment variables and keys. */
export function shownKey(name: string): SafeText {
  return name.length > longestShown ? `(a name of ${name.length} characters)` : printable(name);
}

/** Text in which everything but printable ASCII is a `?`. */
export function printable(text: string): string {
  return text.replace(/[^ -~]/gu, '?');
}
