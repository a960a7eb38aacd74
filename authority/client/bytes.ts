/** The bytes of one chunk of a stream. */
export function bytesOf(chunk: unknown): Buffer {
  return chunk instanceof Uint8Array
    ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : Buffer.from(String(chunk), 'utf8');
}

/** Everything a stream holds, as text. Throws `RangeError` beyond `limitBytes`. */
export async function readText(source: AsyncIterable<unknown>, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const bytes = bytesOf(chunk);
    length += bytes.length;
    if (length > limitBytes) {
      throw new RangeError('too long');
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
