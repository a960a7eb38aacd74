import type { IncomingMessage } from 'node:http';
import type { RandomBytes } from '../../runtime/random.ts';

/** The trace a request belongs to: of its W3C `traceparent`, else a new one. 32 hex digits. */
export function traceIdOf(request: IncomingMessage, random: RandomBytes): string {
  const header = request.headers['traceparent'];
  const match = typeof header === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(header) : null;
  const found = match?.[1];
  return found === undefined || found === '0'.repeat(32) ? Buffer.from(random(16)).toString('hex') : found;
}
