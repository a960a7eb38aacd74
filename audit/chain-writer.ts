import { z } from 'zod';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import { type ChainHead, emptyChain, lineDigest, linked } from './chain.ts';
import { AuditFailure } from './failures.ts';
import { type Draft, type LogIdentity, recordLine } from './record.ts';
import type { Segments } from './segments/segments.ts';

/** Gives drafts their place in the chain and writes them to the segments. One call at a time. */
export interface ChainWriter {
  /** Where the chain ends, found in the segments the first time and after each failure. Rejects with `AuditFailure` when the last line is no record. */
  end(): Promise<ChainHead>;
  /** Appends the drafts as one write; when it rejects, none of them may be counted on. */
  write(drafts: readonly Draft[]): Promise<void>;
  /** Resolves when everything written would survive a power cut; at once when that is so already. */
  sync(): Promise<void>;
  /** After a failure: closes, so that the end of the chain is looked for again, as a line may be torn. Never rejects. */
  giveUp(cause: unknown): Promise<void>;
  close(): Promise<void>;
}

export interface ChainWriterOptions {
  readonly segments: Segments;
  readonly identity: LogIdentity;
  /** Gets each line once it is written, without a newline. */
  readonly writeLine: (line: string) => void;
  readonly onRedaction: () => void;
  readonly logger: Logger;
}

const lastRecord = z.object({ seq: z.int().nonnegative() });

export function createChainWriter({
  segments,
  identity,
  writeLine,
  onRedaction,
  logger,
}: ChainWriterOptions): ChainWriter {
  let known: ChainHead | undefined;
  let isSynced = true;

  async function end(): Promise<ChainHead> {
    known ??= await findEnd();
    return known;
  }

  async function findEnd(): Promise<ChainHead> {
    const { lastLine, torn } = await segments.open();
    const found = lastLine === undefined ? emptyChain : { nextSeq: seqOf(lastLine) + 1, prev: lineDigest(lastLine) };
    if (torn) {
      logger.warn({ seq: found.nextSeq }, 'torn audit record cut away');
    }
    return found;
  }

  return {
    end,
    async write(drafts) {
      const first = await end();
      let head = first;
      const lines = drafts.map((draft) => {
        const line = recordLine(draft, head, identity, onRedaction);
        head = linked(head, line);
        return line;
      });
      await segments.write(lines, first.nextSeq);
      known = head;
      isSynced = false;
      lines.forEach((line) => writeLine(line));
    },
    async sync() {
      if (!isSynced) {
        await segments.sync();
        isSynced = true;
      }
    },
    async giveUp(cause) {
      known = undefined;
      logger.error({ [logKeys.error]: cause }, 'audit segments failed');
      await segments.close().catch(() => undefined);
    },
    close: () => segments.close(),
  };
}

/** The number of a whole last line. One that cannot be read was not written by us: nothing is appended to that. */
function seqOf(line: string): number {
  try {
    return lastRecord.parse(JSON.parse(line)).seq;
  } catch (cause) {
    throw new AuditFailure('audit-unavailable', 'the last line of the audit log is no record', { cause });
  }
}
