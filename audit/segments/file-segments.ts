import { type FileHandle, mkdir, open, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recovered, Segments } from './segments.ts';

export interface FileSegmentsOptions {
  /** Directory of this log alone; made when missing. */
  readonly directory: string;
  /** Bytes after which the next write begins a new file. */
  readonly segmentBytes?: number;
}

const extension = '.jsonl';

/** Files `<first seq>.jsonl`, twelve digits, only ever appended to. After a crash a torn last line is cut and the log goes on behind it. */
export function fileSegments({ directory, segmentBytes = 64 * 1024 * 1024 }: FileSegmentsOptions): Segments {
  let file: FileHandle | undefined;
  let size = 0;

  const begin = async (firstSeq: number): Promise<FileHandle> => {
    await file?.datasync();
    await file?.close();
    size = 0;
    file = await open(join(directory, `${String(firstSeq).padStart(12, '0')}${extension}`), 'a', 0o640);
    return file;
  };

  async function recover(): Promise<Recovered> {
    const names = (await readdir(directory)).filter((name) => name.endsWith(extension)).sort();
    const last = names.at(-1);
    if (last === undefined) {
      return { lastLine: undefined, torn: false };
    }
    const path = join(directory, last);
    const content = await readFile(path);
    const end = content.lastIndexOf(0x0a) + 1;
    const torn = end !== content.length;
    if (torn) {
      await truncate(path, end);
    }
    file = await open(path, 'a', 0o640);
    size = end;
    const whole = content.subarray(0, Math.max(0, end - 1)).toString('utf8');
    const lastLine = whole.slice(whole.lastIndexOf('\n') + 1);
    return { lastLine: lastLine === '' ? await lastLineBefore(names) : lastLine, torn };
  }

  /** A file whose only line was torn is empty now: the line before stands in the file before. */
  async function lastLineBefore(names: readonly string[]): Promise<string | undefined> {
    const previous = names.at(-2);
    if (previous === undefined) {
      return undefined;
    }
    const text = (await readFile(join(directory, previous), 'utf8')).trimEnd();
    return text.slice(text.lastIndexOf('\n') + 1);
  }

  return {
    async open() {
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
    async close() {
      await file?.datasync();
      await file?.close();
      file = undefined;
    },
  };
}
