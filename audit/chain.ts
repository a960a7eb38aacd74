import { createHash } from 'node:crypto';

/** What a chain begins with. */
export const genesis = '0'.repeat(64);

/** The last link: number of the next record, and the digest it must name. */
export interface ChainHead {
  readonly nextSeq: number;
  readonly prev: string;
}

export const emptyChain: ChainHead = { nextSeq: 0, prev: genesis };

/** SHA-256 in hex of a line without its newline. */
export const lineDigest = (line: string): string => createHash('sha256').update(line, 'utf8').digest('hex');

/** The head after `line`, which was record `head.nextSeq`. */
export const linked = (head: ChainHead, line: string): ChainHead => ({
  nextSeq: head.nextSeq + 1,
  prev: lineDigest(line),
});
