import { looksLikeCredential } from '../runtime/credential-shapes.ts';

/** What stands in place of a value that looked like a credential. */
export const redacted = '[redacted]';

/**
 * The last filter before a record is written: texts that look like a token or key are replaced whole, lone surrogates (which JSON text may bring and no record may
 * hold) by U+FFFD. Nothing should ever be redacted here; `onRedaction` counts what is.
 */
export function redact(value: unknown, onRedaction: () => void): unknown {
  if (typeof value === 'string') {
    if (looksLikeCredential(value)) {
      onRedaction();
      return redacted;
    }
    return value.toWellFormed();
  }
  if (Array.isArray(value)) {
    return value.map((item) => redact(item, onRedaction));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redact(member, onRedaction)]));
  }
  return value;
}
