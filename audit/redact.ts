const shapes: readonly RegExp[] = [
  /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/,
  /-----BEGIN [A-Z ]{0,40}(?:PRIVATE KEY|CERTIFICATE)-----/,
  /\bhv[sbr]\.[\w-]{20,}/,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_\w{20,}/,
];

/** What stands in place of a value that looked like a credential. */
export const redacted = '[redacted]';

/**
 * The last filter before a record is written: strings that look like a token or key are replaced whole. Nothing should ever come here; `onRedaction` counts
 * what does.
 */
export function redact(value: unknown, onRedaction: () => void): unknown {
  if (typeof value === 'string') {
    if (shapes.some((shape) => shape.test(value))) {
      onRedaction();
      return redacted;
    }
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => redact(item, onRedaction));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redact(member, onRedaction)]));
  }
  return value;
}
