/*
 * PEM as RFC 7468 writes it: one label per block, base64 in between. Text outside of blocks is ignored, as it says a reader should; what
 * stands inside is held to strictly.
 */
import { accepted, type Parsed, refused } from '../runtime/parsed.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { refuse } from './failures.ts';

/** One block. `label`: such as `CERTIFICATE` or `PRIVATE KEY`; the latter's `der` is as secret as the file. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const limitBytes = 1024 * 1024;
const blockLimit = 256;
const begin = '-----BEGIN ';
const dashes = '-----';

/**
 * The blocks of a PEM text of at most 1 MiB and 256 blocks, in order.
 *
 * A blank text has none. Refuses (`pem-malformed`, with the character offset of the block) text without any block, a block without its
 * end, and what is not base64. Says nothing about what is inside.
 */
export function parsePemBlocks(text: string): Parsed<readonly PemBlock[]> {
  if (text.length > limitBytes) {
    return refuse('pem-malformed', 'a PEM text has at most 1 MiB', { offset: limitBytes });
  }
  const blocks: PemBlock[] = [];
  let start = text.indexOf(begin);
  while (start !== -1) {
    const found = readBlock(text, start);
    if (!found.ok) {
      return found;
    }
    if (blocks.length === blockLimit) {
      return refuse('pem-malformed', `a PEM text has at most ${blockLimit} blocks`, { offset: start });
    }
    blocks.push(found.value.block);
    start = text.indexOf(begin, found.value.end);
  }
  return blocks.length > 0 || text.trim() === ''
    ? accepted(blocks)
    : refuse('pem-malformed', 'there is no PEM block', { offset: 0 });
}

/** The certificates of a PEM text, in order; none for a blank text. Refuses any block that is no certificate, private keys above all. */
export function parsePemCertificates(text: string): Parsed<readonly Certificate[]> {
  const blocks = parsePemBlocks(text);
  if (!blocks.ok) {
    return blocks;
  }
  const certificates: Certificate[] = [];
  for (const [index, { label, der }] of blocks.value.entries()) {
    const certificate =
      label === 'CERTIFICATE' ? parseCertificate(der) : refuse('pem-malformed', 'a block is no certificate');
    if (!certificate.ok) {
      return refused({ ...certificate.problem, path: `/${index}` });
    }
    certificates.push(certificate.value);
  }
  return accepted(certificates);
}

/** One block with lines of 64 characters, ending in a line end. */
export function printPem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const base64 = Buffer.from(der).toString('base64');
  const lines = Array.from({ length: Math.ceil(base64.length / 64) }, (_, index) =>
    base64.slice(index * 64, (index + 1) * 64),
  );
  return `${[`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')}\n`;
}

function readBlock(text: string, start: number): Parsed<{ block: PemBlock; end: number }> {
  const labelEnd = text.indexOf(dashes, start + begin.length);
  const label = text.slice(start + begin.length, labelEnd);
  const finish = `-----END ${label}-----`;
  const bodyEnd = text.indexOf(finish, labelEnd);
  if (labelEnd === -1 || label.includes('\n') || bodyEnd === -1) {
    return refuse('pem-malformed', 'a PEM block has no end', { offset: start });
  }
  const der = decodeBase64(withoutLineEnds(text.slice(labelEnd + dashes.length, bodyEnd)));
  return der === undefined
    ? refuse('pem-malformed', 'a PEM block is not base64', { offset: start })
    : accepted({ block: { label, der }, end: bodyEnd + finish.length });
}

/** Standard base64 with padding and nothing else in it; undefined for any other text. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips what it does not know: only what it would print itself was base64.
  return bytes.toString('base64') === text ? bytes : undefined;
}

function withoutLineEnds(text: string): string {
  return ['\n', '\r', ' ', '\t'].reduce((rest, blank) => rest.replaceAll(blank, ''), text);
}
