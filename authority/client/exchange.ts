import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import type { Clock } from '../../runtime/clock.ts';
import type { Secret } from '../../runtime/secret.ts';
import { splitAddress } from './address.ts';
import { readText } from './bytes.ts';
import { AuthorityFailure, malformedAnswer, unreachable } from './failures.ts';
import { refusal } from './messages.ts';

/** What all calls of one client share. */
export interface Transport {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly callTimeoutMs: number;
  readonly closing: AbortSignal;
}

/** One POST of JSON. */
export interface Call {
  readonly address: string;
  readonly path: string;
  readonly body: unknown;
  readonly token?: Secret;
}

/** An answer holds bundles of every federated domain, never more than this. */
const longestAnswerBytes = 4 * 1024 * 1024;

/** Posts `call` and gives the JSON of a 2xx answer, undefined when that has no body. Rejects with `AuthorityFailure`. */
export async function exchange(transport: Transport, call: Call): Promise<unknown> {
  const limit = new AbortController();
  const cancel = transport.clock.after(transport.callTimeoutMs, () => limit.abort());
  try {
    const response = await send(transport, call, AbortSignal.any([limit.signal, transport.closing]));
    return await bodyOf(response);
  } catch (error) {
    throw error instanceof AuthorityFailure
      ? error
      : unreachable(error, limit.signal.aborted ? 'the authority did not answer in time' : undefined);
  } finally {
    cancel();
  }
}

function send(transport: Transport, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
  const body = Buffer.from(JSON.stringify(call.body));
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': body.length,
  };
  if (call.token !== undefined) {
    headers['authorization'] = `Bearer ${call.token.expose()}`;
  }
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...splitAddress(call.address),
      path: call.path,
      method: 'POST',
      agent: transport.agent,
      headers,
      signal,
    });
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

async function bodyOf(response: IncomingMessage): Promise<unknown> {
  const text = await readText(response, longestAnswerBytes);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    return text === '' ? undefined : parseJson(text);
  }
  throw refusalOf(status, text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformedAnswer('not JSON');
  }
}

/** The refusal in an answer of `status`: the authority's own words where it kept to the contract. */
export function refusalOf(status: number, text: string): AuthorityFailure {
  const parsed = refusal.safeParse(jsonOr(text));
  if (!parsed.success) {
    return new AuthorityFailure('refused', `the authority answered ${status}`, { reason: 'refused', status });
  }
  const { reason, message, retryAfterSeconds } = parsed.data;
  return new AuthorityFailure('refused', message, {
    reason,
    status,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
