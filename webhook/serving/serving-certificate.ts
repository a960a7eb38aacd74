import type { Cancel, Clock } from '../../runtime/clock.ts';
import { sleep } from '../../runtime/clock.ts';
import type { TlsSource } from '../../runtime/https-server.ts';
import { loopService } from '../../runtime/loop-service.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import { createServingPair, type ServingPair } from './certificate.ts';

/** From the publication of a new CA to its first use: what the leader and the API server need to take it in. */
const publicationMs = 60_000;

/** The pair in use and the CAs that whoever calls us must trust: the one in use, and beside it the one to come or the one just left. */
export interface ServingCertificate extends TlsSource, Service {
  pair(): ServingPair;
  authorities(): readonly string[];
  onAuthorities(listener: () => void): Cancel;
}

export interface ServingCertificateOptions {
  readonly dnsNames: readonly string[];
  readonly replica: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/**
 * The serving key of this replica, in memory only. A successor is made after two thirds of the life, its CA published at once and used 60 s later; the old CA stays
 * published until the next time round, so that both hold during the overlap and no connection ends (AR-07).
 */
export function servingCertificate({
  dnsNames,
  replica,
  clock,
  random,
}: ServingCertificateOptions): ServingCertificate {
  const make = (): ServingPair => createServingPair({ dnsNames, replica, now: clock.now(), random });
  const onPair = new Set<() => void>();
  const onAuthorities = new Set<() => void>();
  let current = make();
  let published: readonly string[] = [current.caPem];
  const service = loopService('serving certificate', async ({ signal, ready }) => {
    ready();
    while ((await sleep(clock, current.renewAt.getTime() - clock.now().getTime(), signal)) === 'elapsed') {
      const next = make();
      published = [next.caPem, current.caPem];
      tell(onAuthorities);
      await sleep(clock, publicationMs, signal);
      current = next;
      tell(onPair);
    }
  });
  return {
    ...service,
    pair: () => current,
    current: () => ({ cert: current.certificatePem, key: current.privateKeyPem }),
    onChange: (listener) => subscribe(onPair, listener),
    authorities: () => published,
    onAuthorities: (listener) => subscribe(onAuthorities, listener),
  };
}

function tell(listeners: ReadonlySet<() => void>): void {
  for (const listener of listeners) {
    listener();
  }
}

function subscribe(listeners: Set<() => void>, listener: () => void): Cancel {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
