import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { auditLogUnderTest, durableEvent } from '../../test/builders/audit.ts';
import { verifyChain } from '../verify.ts';
import { fileSegments } from './file-segments.ts';
import { memorySegments } from './memory-segments.ts';
import { segmentsContract } from './segments.contract.ts';
import type { Recovered } from './segments.ts';

const made: string[] = [];

afterEach(async () => {
  await Promise.all(made.splice(0).map((path) => rm(path, { recursive: true, force: true })));
});

async function emptyDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-segments-'));
  made.push(path);
  return join(path, 'log');
}

async function linesIn(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.join('').split('\n').slice(0, -1);
}

/** What a log finds that opens the directory. */
async function recoveredFrom(directory: string): Promise<Recovered> {
  const segments = fileSegments({ directory });
  const recovered = await segments.open();
  await segments.close();
  return recovered;
}

segmentsContract('memorySegments', () => {
  const lines: string[] = [];
  return Promise.resolve({ open: () => memorySegments(lines), lines: () => Promise.resolve(lines) });
});

segmentsContract('fileSegments', async () => {
  const directory = await emptyDirectory();
  return { open: () => fileSegments({ directory }), lines: () => linesIn(directory) };
});

segmentsContract('fileSegments with a file per line', async () => {
  const directory = await emptyDirectory();
  return { open: () => fileSegments({ directory, segmentBytes: 1 }), lines: () => linesIn(directory) };
});

describe('fileSegments', () => {
  it('cuts a torn last line and says so, at whatever byte it was torn', async () => {
    const directory = await emptyDirectory();
    const segments = fileSegments({ directory });
    await segments.open();
    await segments.write(['first', 'second'], 0);
    await segments.close();
    const path = join(directory, '000000000000.jsonl');
    const whole = await readFile(path);
    for (let size = 'first\n'.length + 1; size < whole.length; size += 1) {
      await writeFile(path, whole.subarray(0, size));
      expect(await recoveredFrom(directory)).toEqual({ lastLine: 'first', torn: true });
      expect(await readFile(path, 'utf8')).toBe('first\n');
    }
  });

  it('finds the last line in the file before when the only line of the newest was torn', async () => {
    const directory = await emptyDirectory();
    const segments = fileSegments({ directory, segmentBytes: 1 });
    await segments.open();
    await segments.write(['a', 'b'], 0);
    await segments.write(['c'], 2);
    await segments.close();
    await writeFile(join(directory, '000000000002.jsonl'), 'to');
    const again = fileSegments({ directory, segmentBytes: 1 });
    expect(await again.open()).toEqual({ lastLine: 'b', torn: true });
    await again.write(['d'], 2);
    await again.close();
    expect(await linesIn(directory)).toEqual(['a', 'b', 'd']);
  });

  it('begins a new file, named for its first record, once one is full', async () => {
    const directory = await emptyDirectory();
    const segments = fileSegments({ directory, segmentBytes: 10 });
    await segments.open();
    await segments.write(['12345678'], 0);
    await segments.write(['90'], 1);
    await segments.write(['x', 'y'], 2);
    await segments.close();
    expect((await readdir(directory)).sort()).toEqual(['000000000000.jsonl', '000000000002.jsonl']);
    expect(await linesIn(directory)).toEqual(['12345678', '90', 'x', 'y']);
  });

  it('leaves files that are not its own alone', async () => {
    const directory = await emptyDirectory();
    await recoveredFrom(directory);
    await writeFile(join(directory, 'zzz.jsonl'), 'not ours');
    await writeFile(join(directory, '9.jsonl'), 'nor this');
    expect(await recoveredFrom(directory)).toEqual({ lastLine: undefined, torn: false });
    expect(await readFile(join(directory, 'zzz.jsonl'), 'utf8')).toBe('not ours');
  });

  it('lets neither group nor others write', async () => {
    const directory = await emptyDirectory();
    const segments = fileSegments({ directory });
    await segments.open();
    await segments.write(['a'], 0);
    await segments.close();
    const { mode } = await stat(join(directory, '000000000000.jsonl'));
    expect(mode & 0o027).toBe(0);
    expect((await stat(directory)).mode & 0o027).toBe(0);
  });

  it('rejects a write when its directory is gone, and writes again once it is back', async () => {
    const directory = await emptyDirectory();
    const segments = fileSegments({ directory });
    await segments.open();
    await rm(directory, { recursive: true });
    await expect(segments.write(['a'], 0)).rejects.toMatchObject({ code: 'ENOENT' });
    await segments.close();
    await segments.open();
    await segments.write(['a'], 0);
    await segments.close();
    expect(await linesIn(directory)).toEqual(['a']);
  });
});

describe('a log over files', () => {
  const signal = new AbortController().signal;
  const soon = { remainingMs: () => 1_000 };

  it('goes on in one chain across segments, a restart and a torn line', async () => {
    const directory = await emptyDirectory();
    const first = auditLogUnderTest({ segments: fileSegments({ directory, segmentBytes: 1_500 }) });
    await first.log.start(signal);
    for (const name of ['a', 'b', 'c', 'd']) {
      await first.log.append(durableEvent(name));
    }
    const names = (await readdir(directory)).sort();
    expect(names.length).toBeGreaterThan(1);
    // As after a SIGKILL in the middle of a write: no closing record, half a line.
    await appendFile(join(directory, names.at(-1) ?? ''), '{"cluster":"def');
    const second = auditLogUnderTest({ segments: fileSegments({ directory, segmentBytes: 1_500 }) });
    await second.log.start(signal);
    await second.log.append(durableEvent('e'));
    await second.log.stop(soon);
    const lines = await linesIn(directory);
    expect(verifyChain(lines)).toEqual([]);
    expect(lines.map((line) => /"event":"([a-z.]+)"/.exec(line)?.[1])).toEqual([
      'audit.log.opened',
      ...Array<string>(4).fill('config.changed'),
      'audit.log.opened',
      'config.changed',
      'audit.log.closed',
    ]);
    expect(lines[5]).toContain('"lastSeq":4,');
    expect(lines[5]).toContain('"recovered":true');
    expect([...first.printed, ...second.printed]).toEqual(lines);
    await first.log.stop(soon).catch(() => undefined);
  });

  it('appends nothing behind a last line that is no record', async () => {
    const directory = await emptyDirectory();
    const { log } = auditLogUnderTest({ segments: fileSegments({ directory }) });
    await recoveredFrom(directory);
    await writeFile(join(directory, '000000000000.jsonl'), 'somebody was here\n');
    await expect(log.start(signal)).rejects.toMatchObject({ code: 'audit-unavailable' });
    expect(await linesIn(directory)).toEqual(['somebody was here']);
  });
});
