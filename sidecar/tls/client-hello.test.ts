import { createServer, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { helloLimitBytes, readFirstBytes } from './client-hello.ts';

let hello: Buffer;
let bare: Buffer;

/** What Node's own client sends first. */
async function captureHello(protocols: readonly string[]): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connect({
    host: '127.0.0.1',
    port,
    ALPNProtocols: [...protocols],
    ecdhCurve: 'X25519MLKEM768:X25519',
  });
  client.on('error', () => undefined);
  const socket = await new Promise<Socket>((resolve) => server.once('connection', resolve));
  socket.on('error', () => undefined);
  const bytes = await new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (all.length >= 5 && all.length >= 5 + all.readUInt16BE(3)) {
        resolve(all);
      }
    });
  });
  client.destroy();
  server.close();
  return bytes;
}

beforeAll(async () => {
  hello = await captureHello(['sallyport/1', 'h2']);
  bare = await captureHello([]);
});

describe('readFirstBytes', () => {
  it('reads the offered protocols of a whole hello', () => {
    expect(readFirstBytes(hello)).toEqual({ kind: 'hello', protocols: ['sallyport/1', 'h2'] });
    expect(readFirstBytes(bare)).toEqual({ kind: 'hello', protocols: [] });
  });

  it('asks for more at every length before that', () => {
    for (let length = 0; length < hello.length; length += 1) {
      expect(readFirstBytes(hello.subarray(0, length))).toEqual({ kind: 'more' });
    }
  });

  it('reads a hello that is cut into small records', () => {
    const message = hello.subarray(5);
    const records = Array.from({ length: Math.ceil(message.length / 100) }, (_, index) => {
      const fragment = message.subarray(index * 100, (index + 1) * 100);
      return Buffer.concat([Buffer.from([0x16, 3, 1, 0, fragment.length]), fragment]);
    });
    expect(readFirstBytes(Buffer.concat(records))).toEqual({ kind: 'hello', protocols: ['sallyport/1', 'h2'] });
  });

  it.each(['GET / HTTP/1.1', '\x15\x03\x01', '\x16\x02', 'SSH-2.0-x'])('takes %j for plaintext', (text) => {
    expect(readFirstBytes(Buffer.from(text, 'latin1'))).toEqual({ kind: 'plaintext' });
  });

  it('refuses what announces more than the limit', () => {
    const large = Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0x01, 0, 0]);
    expect(readFirstBytes(large)).toEqual({ kind: 'malformed' });
    expect(helloLimitBytes).toBe(16_384);
  });

  it('never throws, whatever follows the first two bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const kinds = ['more', 'plaintext', 'malformed', 'hello'];
        expect(kinds).toContain(readFirstBytes(Buffer.concat([Buffer.from([0x16, 3]), bytes])).kind);
      }),
    );
  });

  it('never throws on a hello with one byte changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: hello.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
        const bytes = Buffer.from(hello);
        bytes[at] = value;
        expect(() => readFirstBytes(bytes)).not.toThrow();
      }),
    );
  });
});
