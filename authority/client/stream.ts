import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import { splitAddress } from './address.ts';
import { readText } from './bytes.ts';
import { refusalOf, type Transport } from './exchange.ts';
import { AuthorityFailure, malformedAnswer, unreachable } from './failures.ts';
import { readLines } from './lines.ts';
import { type StreamMessage, streamMessage } from './messages.ts';

/** Why a stream is over: the authority closed it, it broke, it fell silent, it sent what is not of the contract, or we closed it. */
export type StreamEnd = 'closed-by-authority' | 'broken' | 'silent' | 'malformed' | 'closed';

export interface AuthorityStream {
  /** Its name in acknowledgements and directory requests. */
  readonly stream: string;
  /** Where those go. */
  readonly address: string;
  readonly ended: Promise<StreamEnd>;
  close(): void;
}

export interface StreamOptions {
  readonly address: string;
  readonly silenceTimeoutMs: number;
  readonly onMessage: (message: StreamMessage) => void;
}

const longestRefusalBytes = 64 * 1024;

/** Opens `GET /v1/stream`; resolves at its `hello`, rejects with `AuthorityFailure` when none comes within the call timeout. */
export async function openStream(transport: Transport, options: StreamOptions): Promise<AuthorityStream> {
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, transport.closing]);
  const cancel = transport.clock.after(transport.callTimeoutMs, () => closing.abort());
  try {
    const response = await get(transport, options.address, signal);
    return await greeted(response, transport.clock, options, signal, closing);
  } catch (error) {
    closing.abort();
    throw error instanceof AuthorityFailure ? error : unreachable(error);
  } finally {
    cancel();
  }
}

async function get(transport: Transport, address: string, signal: AbortSignal): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      ...splitAddress(address),
      path: '/v1/stream',
      method: 'GET',
      agent: transport.agent,
      signal,
    });
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end();
  });
  if (response.statusCode === 200) {
    return response;
  }
  throw refusalOf(response.statusCode ?? 0, await readText(response, longestRefusalBytes));
}

/** Reads on in the background; resolves with the stream at `hello`, rejects when it ends before. */
function greeted(
  response: IncomingMessage,
  clock: Clock,
  options: StreamOptions,
  signal: AbortSignal,
  closing: AbortController,
): Promise<AuthorityStream> {
  return new Promise((resolve, reject) => {
    const silence = silenceGuard(clock, options.silenceTimeoutMs, () => response.destroy());
    let isGreeted = false;
    const ended = read(response, (message) => {
      silence.heard();
      if (message.type !== 'hello') {
        options.onMessage(message);
        return;
      }
      isGreeted = true;
      resolve({ stream: message.stream, address: message.address, ended, close: () => closing.abort() });
    }).then((end): StreamEnd => {
      silence.stop();
      if (!isGreeted) {
        reject(
          end === 'malformed'
            ? malformedAnswer('no hello')
            : unreachable(undefined, 'the stream ended before its hello'),
        );
      }
      return signal.aborted ? 'closed' : silence.isOver() ? 'silent' : end;
    });
  });
}

/** Hands over each line that is a message; unknown types are a newer authority's and are passed over. */
async function read(response: IncomingMessage, onMessage: (message: StreamMessage) => void): Promise<StreamEnd> {
  try {
    for await (const line of readLines(response)) {
      const message = streamMessage.safeParse(JSON.parse(line));
      if (message.success) {
        onMessage(message.data);
      }
    }
    return 'closed-by-authority';
  } catch (error) {
    response.destroy();
    return error instanceof SyntaxError || error instanceof RangeError ? 'malformed' : 'broken';
  }
}

function silenceGuard(
  clock: Clock,
  ms: number,
  onSilence: () => void,
): { heard(): void; stop(): void; isOver(): boolean } {
  let isOver = false;
  const arm = (): Cancel =>
    clock.after(ms, () => {
      isOver = true;
      onSilence();
    });
  let cancel = arm();
  return {
    heard() {
      cancel();
      cancel = arm();
    },
    stop: () => cancel(),
    isOver: () => isOver,
  };
}
