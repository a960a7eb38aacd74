import type { Segments } from './segments.ts';

/** Lines kept in memory, for tests and for programs told to keep none. */
export interface MemorySegments extends Segments {
  readonly lines: readonly string[];
  /** Lines that were synced. */
  syncedCount(): number;
  /** Makes every further write fail with this error, until undefined is given. */
  failWith(error: Error | undefined): void;
}

/** `lines`: what was there before; appended to in place, so that another may go on with it. */
export function memorySegments(lines: string[] = []): MemorySegments {
  let synced = lines.length;
  let failure: Error | undefined;
  const orFail = (work: () => void): Promise<void> => {
    if (failure !== undefined) {
      return Promise.reject(failure);
    }
    work();
    return Promise.resolve();
  };
  return {
    lines,
    syncedCount: () => synced,
    failWith(error) {
      failure = error;
    },
    open: () => Promise.resolve({ lastLine: lines.at(-1), torn: false }),
    write: (added) => orFail(() => void lines.push(...added)),
    sync: () => orFail(() => void (synced = lines.length)),
    close: () => Promise.resolve(),
  };
}
