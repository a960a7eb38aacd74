import { constants, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { type Cancel, type Clock, sleep } from '../runtime/clock.ts';
import type { TlsSource } from '../runtime/https-server.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import { loopService } from '../runtime/loop-service.ts';
import { type RandomBytes, uniformBetween } from '../runtime/random.ts';
import type { Service } from '../runtime/service.ts';
import { printPem } from '../spiffe/pem.ts';
import type { MadeSvid } from './issuance/make-svid.ts';
import type { Granted } from './refusal.ts';

export interface OwnIdentityOptions {
  /** Issues our own SVID for this key; see `issueOwn`. */
  readonly issue: (publicKey: KeyObject) => Promise<Granted<MadeSvid>>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

const retryMs = 1_000;

/**
 * The authority's own SVID as the TLS material of its server: a fresh key each time, renewed at half life with jitter drawn once per SVID. Ready when the
 * first one is held. A failed renewal is tried again each second; the old SVID serves on.
 */
export function ownIdentity({ issue, clock, random, logger }: OwnIdentityOptions): Service & TlsSource {
  const listeners = new Set<() => void>();
  let current: SecureContextOptions = {};

  /** Gives how long the new SVID may be kept, or undefined when there is none. */
  const renew = async (): Promise<number | undefined> => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const svid = await issue(publicKey).catch((error: unknown) => {
      logger.error({ [logKeys.error]: error }, 'own svid not recorded');
      return undefined;
    });
    if (svid?.ok !== true) {
      logger.warn({ [logKeys.reason]: svid?.refusal.reason, detail: svid?.refusal.detail }, 'own svid not issued');
      return undefined;
    }
    const { der, profile } = svid.value;
    current = tlsMaterial(der, privateKey);
    listeners.forEach((listener) => listener());
    const lifeMs = profile.notAfter.getTime() - clock.now().getTime();
    return lifeMs * 0.5 * uniformBetween(random, 0.9, 1.1);
  };

  const service = loopService('own identity', async ({ signal, ready }) => {
    while (!signal.aborted) {
      const keepMs = await renew();
      if (keepMs !== undefined) {
        ready();
      }
      await sleep(clock, keepMs ?? retryMs, signal);
    }
  });

  return {
    ...service,
    current: () => current,
    onChange(listener): Cancel {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** No tickets: a resumed session would show what was judged another time. */
function tlsMaterial(der: Uint8Array, privateKey: KeyObject): SecureContextOptions {
  return {
    cert: printPem(der),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
