import { z } from 'zod';
import { type Cancel, type Clock, sleep } from '../clock.ts';
import { logKeys } from '../log-keys.ts';
import type { Logger } from '../logger.ts';
import { loopService } from '../loop-service.ts';
import { type RandomBytes, uniformBetween } from '../random.ts';
import type { Service } from '../service.ts';
import { ClusterFailure } from './cluster-failure.ts';
import type { ClusterApi } from './kubernetes-client.ts';

/** Leadership by a Lease of `coordination.k8s.io/v1`. Starting does not wait for it to be held. */
export interface LeaseService extends Service {
  held(): boolean;
  onChange(listener: (held: boolean) => void): Cancel;
}

export interface LeaseOptions {
  readonly api: ClusterApi;
  readonly namespace: string;
  readonly name: string;
  /** Who holds it: the pod's UID, so that a restarted container goes on. */
  readonly identity: string;
  /** How long a silent holder keeps it. Renewed every third of that. */
  readonly durationMs: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

const leaseSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.int().nullish(),
      acquireTime: z.string().nullish(),
    })
    .default({}),
});
type Lease = z.infer<typeof leaseSchema>;

/**
 * Takes the Lease when it is free or its holder has been silent for `durationMs` *as observed here*: clocks of two replicas are never compared.
 * The swap by `resourceVersion` excludes two winners; a holder that cannot renew in time stops holding by its own clock.
 */
export function leaseService(options: LeaseOptions): LeaseService {
  const { api, namespace, name, identity, durationMs, clock, random, logger } = options;
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const listeners = new Set<(held: boolean) => void>();
  let isHeld = false;
  let heldUntilMs = 0;
  let cancelExpiry: Cancel = () => undefined;
  let observed = { version: '', atMs: 0 };

  function tell(held: boolean): void {
    if (held !== isHeld) {
      isHeld = held;
      logger.info({ lease: name }, held ? 'lease taken' : 'lease lost');
      for (const listener of listeners) {
        listener(held);
      }
    }
  }

  async function read(): Promise<Lease | undefined> {
    try {
      return leaseSchema.parse(await api.get(`${collection}/${name}`));
    } catch (error) {
      if (error instanceof ClusterFailure && error.code === 'not-found') {
        return undefined;
      }
      throw error;
    }
  }

  /** One try to take or renew: true when held afterwards. */
  async function tryHold(): Promise<boolean> {
    const lease = await read();
    const now = microTime(clock.now());
    const fresh = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
      renewTime: now,
    };
    if (lease === undefined) {
      const spec = { ...fresh, acquireTime: now, leaseTransitions: 0 };
      await api.create(collection, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace, name },
        spec,
      });
      return true;
    }
    if (lease.metadata.resourceVersion !== observed.version) {
      observed = { version: lease.metadata.resourceVersion, atMs: clock.monotonicMs() };
    }
    const holder = lease.spec.holderIdentity ?? '';
    const isSilent = clock.monotonicMs() - observed.atMs >= durationMs;
    if (holder !== identity && holder !== '' && !isSilent) {
      return false;
    }
    const transitions =
      holder === identity ? {} : { acquireTime: now, leaseTransitions: (lease.spec.leaseTransitions ?? 0) + 1 };
    await api.replace(`${collection}/${name}`, { ...lease, spec: { ...lease.spec, ...fresh, ...transitions } });
    return true;
  }

  const isStillHeld = (): boolean => isHeld && clock.monotonicMs() < heldUntilMs;

  /** Held from the moment before it was asked for; others count from the moment they saw it, which is later. */
  function renewed(askedAtMs: number): void {
    heldUntilMs = askedAtMs + durationMs;
    cancelExpiry();
    cancelExpiry = clock.after(heldUntilMs - clock.monotonicMs(), () => tell(isStillHeld()));
    tell(clock.monotonicMs() < heldUntilMs);
  }

  async function round(): Promise<void> {
    const askedAtMs = clock.monotonicMs();
    try {
      if (await tryHold()) {
        renewed(askedAtMs);
      } else {
        tell(false);
      }
    } catch (error) {
      const isRace = error instanceof ClusterFailure && (error.code === 'conflict' || error.code === 'already-exists');
      if (!isRace) {
        logger.warn({ [logKeys.error]: error, lease: name }, 'lease not renewed');
      }
      tell(isStillHeld());
    }
  }

  async function release(): Promise<void> {
    cancelExpiry();
    const lease = isHeld ? await read().catch(() => undefined) : undefined;
    tell(false);
    if (lease?.spec.holderIdentity === identity) {
      await api
        .replace(`${collection}/${name}`, { ...lease, spec: { ...lease.spec, holderIdentity: '' } })
        .catch(() => undefined);
    }
  }

  const service = loopService(`lease ${name}`, async ({ signal, ready }) => {
    while (!signal.aborted) {
      await round();
      ready();
      await sleep(clock, (durationMs / 3) * uniformBetween(random, 0.9, 1.1), signal);
    }
    await release();
  });

  return {
    ...service,
    held: isStillHeld,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** `metav1.MicroTime`. */
const microTime = (at: Date): string => at.toISOString().replace('Z', '000Z');
