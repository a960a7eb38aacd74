import { type FileHandle, mkdir, open, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recovered, Segments } from './segments.ts';

export interface FileSegmentsOptions {
  /** Directory of this log alone; made when missing. */
  readonly directory: string;
  /** Bytes after which the next write begins a new file. */
  readonly segmentBytes?: number;
}

const segmentName = /^\d{12}\.jsonl$/;

/** Files `<first seq>.jsonl`, twelve digits, only ever appended to. After a crash a torn last line is cut and the log goes on behind it. */
export function fileSegments({ directory, segmentBytes = 64 * 1024 * 1024 }: FileSegmentsOptions): Segments {
  let file: FileHandle | undefined;
  let size = 0;
  const pathOf = (name: string): string => join(directory, name);

  async function recover(): Promise<Recovered> {
    const names = (await readdir(directory)).filter((name) => segmentName.test(name)).sort();
    const last = names.at(-1);
    if (last === undefined) {
      return { lastLine: undefined, torn: false };
    }
    const content = await readFile(pathOf(last));
    size = content.lastIndexOf(0x0a) + 1;
    const torn = size !== content.length;
    if (torn) {
      await truncate(pathOf(last), size);
    }
    file = await open(pathOf(last), 'a', 0o640);
    return { lastLine: lastLineOf(content.subarray(0, size)) ?? (await lastLineBefore(names)), torn };
  }

  /** A file whose only line was torn is empty now: the line before stands in a file before. */
  async function lastLineBefore(names: readonly string[]): Promise<string | undefined> {
    for (const name of names.slice(0, -1).reverse()) {
      const line = lastLineOf(await readFile(pathOf(name)));
      if (line !== undefined) {
        return line;
      }
    }
    return undefined;
  }

  async function begin(firstSeq: number): Promise<FileHandle> {
    await close();
    const begun = await open(pathOf(`${String(firstSeq).padStart(12, '0')}.jsonl`), 'a', 0o640);
    file = begun;
    size = 0;
    await syncDirectory(directory);
    return begun;
  }

  async function close(): Promise<void> {
    const closing = file;
    file = undefined;
    try {
      await closing?.datasync();
    } finally {
      await closing?.close();
    }
  }

  return {
    async open() {
      await close();
      await mkdir(directory, { recursive: true, mode: 0o750 });
      return recover();
    },
    async write(lines, firstSeq) {
      const target = file === undefined || size >= segmentBytes ? await begin(firstSeq) : file;
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      await target.appendFile(bytes);
      size += bytes.length;
    },
    async sync() {
      await file?.datasync();
    },
    close,
  };
}

/** The last line of whole lines, without its newline. */
function lastLineOf(content: Buffer): string | undefined {
  if (content.length === 0) {
    return undefined;
  }
  const start = content.lastIndexOf(0x0a, content.length - 2) + 1;
  return content.toString('utf8', start, content.length - 1);
}

/** A new file outlives a power cut only when its name does. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
