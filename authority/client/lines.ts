import { bytesOf } from './bytes.ts';

/** A bundle map of every federated domain fits many times; what is longer is hostile or broken. */
const longestLineBytes = 4 * 1024 * 1024;

const newline = 0x0a;

/** Splits a byte stream into the lines of NDJSON, empty ones left out. Throws `RangeError` for a line beyond 4 MiB. A torn last line is dropped. */
export async function* readLines(source: AsyncIterable<unknown>): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    let rest = bytesOf(chunk);
    let end = rest.indexOf(newline);
    while (end >= 0) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8');
      parts = [];
      length = 0;
      if (line.trim() !== '') {
        yield line;
      }
      rest = rest.subarray(end + 1);
      end = rest.indexOf(newline);
    }
    length += rest.length;
    if (length > longestLineBytes) {
      throw new RangeError('line too long');
    }
    parts.push(rest);
  }
}
