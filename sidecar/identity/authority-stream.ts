import type { AuthorityClient } from '../../authority/client/authority-client.ts';
import { AuthorityFailure } from '../../authority/client/failures.ts';
import type { StreamMessage } from '../../authority/client/messages.ts';
import type { AuthorityStream } from '../../authority/client/stream.ts';
import { type Clock, every, sleep } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import { type RandomBytes, uniform } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { TlsContexts } from '../tls/contexts.ts';
import type { ReachAuthority } from './authority-access.ts';
import { retryDelayMs } from './renewal-schedule.ts';
import type { IdentitySnapshot, SvidStore } from './svid-store.ts';

export interface AuthorityStreamOptions {
  readonly reach: ReachAuthority;
  readonly store: SvidStore;
  readonly contexts: TlsContexts;
  readonly trustDomain: TrustDomain;
  readonly policyGeneration: () => number;
  readonly onMessage: (message: StreamMessage) => void;
  /** A stream is open; the authority knows nothing of earlier ones. */
  readonly onOpen: () => void;
  /** For metrics: whether there is a stream. Told on each change. */
  readonly onState: (isOpen: boolean) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** The one conversation with the authority. Every call rejects with `AuthorityFailure` while there is none. */
export interface AuthorityLink extends Service {
  subscribe(keys: readonly string[], drop: readonly string[]): Promise<void>;
  sendEvents(events: readonly unknown[]): Promise<void>;
  /** Tells what is loaded into the TLS contexts. */
  acknowledge(): void;
  isOpen(): boolean;
}

interface Session {
  readonly client: AuthorityClient;
  readonly stream: AuthorityStream;
  readonly snapshot: IdentitySnapshot;
}

const acknowledgeEveryMs = 30_000;

/**
 * Holds a stream to the authority open: reopened with each new SVID, before the old one is closed, and after a loss with backoff. Without it everything that
 * was received stays in force until the own SVID ends.
 */
export function authorityStream(options: AuthorityStreamOptions): AuthorityLink {
  const { clock, contexts, random } = options;
  let session: Session | undefined;
  const acknowledge = (): void => void (session === undefined ? undefined : tell(session, options));
  const service = loopService('authority-stream', async ({ signal, ready }) => {
    ready();
    let failures = 0;
    const stops = [every(clock, acknowledgeEveryMs, acknowledge, { unref: true }), contexts.onChange(acknowledge)];
    while (!signal.aborted) {
      const opened = await open(options);
      failures = opened === undefined ? failures + 1 : 0;
      if (opened !== undefined) {
        close(session);
        session = opened;
        options.onOpen();
        options.onState(true);
        acknowledge();
      }
      const retryMs = opened === undefined ? waitMs(failures, options, uniform(random)) : undefined;
      if ((await pause(options, session, retryMs, signal)) === 'ended') {
        close(session);
        session = undefined;
        options.onState(false);
        options.logger.info({}, 'stream ended, opening another');
      }
    }
    close(session);
    session = undefined;
    for (const stop of stops) {
      stop();
    }
  });
  return {
    ...service,
    acknowledge,
    isOpen: () => session !== undefined,
    subscribe: (subscribe, drop) =>
      withSession(session, ({ client, stream }) =>
        client.subscribe(stream.address, { stream: stream.stream, subscribe: [...subscribe], drop: [...drop] }),
      ),
    sendEvents: (events) => withSession(session, ({ client, stream }) => client.sendEvents(stream.address, events)),
  };
}

function withSession(session: Session | undefined, use: (session: Session) => Promise<void>): Promise<void> {
  return session === undefined
    ? Promise.reject(new AuthorityFailure('unreachable', 'there is no stream', { reason: 'no-stream' }))
    : use(session);
}

async function open({
  reach,
  store,
  trustDomain,
  clock,
  onMessage,
  logger,
}: AuthorityStreamOptions): Promise<Session | undefined> {
  const snapshot = store.current();
  if (snapshot === undefined || snapshot.svid.notAfter <= clock.now()) {
    return undefined;
  }
  try {
    const credentials = { svid: snapshot.svid, anchors: snapshot.bundles.get(trustDomain) };
    const { client, result: stream } = await reach(credentials, (authority) => authority.openStream(onMessage));
    logger.info({ stream: stream.stream }, 'stream open');
    return { client, stream, snapshot };
  } catch (error) {
    logger.warn({ error }, 'stream not open');
    return undefined;
  }
}

function close(session: Session | undefined): void {
  session?.stream.close();
  session?.client.close();
}

/** The acknowledgement names the sequence that new connections are judged by, not the one that was received last. */
async function tell(
  session: Session,
  { contexts, policyGeneration, clock, logger }: AuthorityStreamOptions,
): Promise<void> {
  const loaded = contexts.current()?.snapshot;
  if (loaded === undefined) {
    return;
  }
  try {
    await session.client.acknowledge(session.stream.address, {
      stream: session.stream.stream,
      sequence: loaded.sequence.toString(),
      policyGeneration: policyGeneration(),
      serial: loaded.svid.serial,
      clock: clock.now().toISOString(),
    });
  } catch (error) {
    logger.debug({ error }, 'acknowledgement not taken');
    if (error instanceof AuthorityFailure && error.status === 409) {
      session.stream.close();
    }
  }
}

/** The same patience as for renewal: never longer than a tenth of the life. */
function waitMs(failures: number, { store, clock }: AuthorityStreamOptions, draw: number): number {
  const svid = store.current()?.svid;
  const times =
    svid === undefined ? undefined : { receivedAtMs: svid.receivedAt.getTime(), notAfterMs: svid.notAfter.getTime() };
  return retryDelayMs({ failures, isFinal: false }, times, clock.now().getTime(), draw);
}

/** Waits until the stream ends, a new SVID came, it is time to try again, or the end. */
async function pause(
  { store, clock }: AuthorityStreamOptions,
  session: Session | undefined,
  retryMs: number | undefined,
  signal: AbortSignal,
): Promise<'ended' | 'go-on'> {
  const first = Promise.withResolvers<'ended' | 'go-on'>();
  const goOn = (): void => first.resolve('go-on');
  const over = new AbortController();
  const held = store.current()?.svid;
  const cancel = store.onChange(({ svid }) => (svid === held ? undefined : goOn()));
  signal.addEventListener('abort', goOn, { once: true, signal: over.signal });
  void session?.stream.ended.then(() => first.resolve('ended'));
  if (retryMs !== undefined) {
    void sleep(clock, retryMs, over.signal).then(goOn);
  } else if (held !== session?.snapshot.svid || signal.aborted) {
    // It came while the stream was being opened.
    goOn();
  }
  const outcome = await first.promise;
  cancel();
  over.abort();
  return outcome;
}
