import { findingsOf, type Lint } from '../lint.ts';

/** RFC 5280, 4.1.2.2: positive and bounded; ours have 16 bytes, half of them random. */
export const serialNumberLint: Lint = {
  id: 'serial-number',
  title: 'A serial is positive, not zero, and of at most 16 bytes',
  source: 'RFC 5280, 4.1.2.2, which allows 20 bytes; ours are 16',
  check({ certificate: { serial } }) {
    return findingsOf(
      [serial.length > 32, 'longer than 16 bytes'],
      [serial.replaceAll('0', '') === '', 'zero'],
      [serial.length === 32 && Number.parseInt(serial.slice(0, 1), 16) >= 8, 'top bit set'],
    );
  },
};
