import { type Clock, sleep } from '../../runtime/clock.ts';
import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { serverSideApply } from '../../runtime/cluster/server-side-apply.ts';
import { logKeys } from '../../runtime/log-keys.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import type { Service } from '../../runtime/service.ts';
import type { Json, JsonObject } from '../admission/request.ts';
import { isObject } from '../cluster/objects.ts';
import { isJsonObject, listAt, textAt } from '../policy/json-access.ts';
import { authoritiesIn, caBundleOf } from './ca-bundle.ts';
import { fieldManager, leasesPath, replicaLabel } from './own-lease.ts';
import {
  configurationName,
  configurations,
  mutatingPath,
  presentFailurePolicy,
  type RegistrationSettings,
  registrations,
  validatingPath,
} from './registrations.ts';

/** While the API server does not trust us yet, and after: drift is repaired within 10 s. */
const eagerMs = 500;
const steadyMs = 5_000;

export interface RegistrarOptions {
  readonly api: ClusterApi;
  readonly settings: RegistrationSettings;
  readonly isLeader: () => boolean;
  /** The CA this replica serves by at present. */
  readonly ownAuthority: () => string;
  readonly observer: RegistrarObserver;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RegistrarObserver {
  /** Our configurations were not as we left them. */
  drifted(): void;
  failurePolicy(webhook: string, isFail: boolean): void;
}

/**
 * Keeps our two webhook configurations as the table says. The leader fills them, by server-side apply so that no other tool fights over `caBundle` and
 * `failurePolicy`; every replica is ready once its own CA is in both, for before that no call can reach it.
 */
export function registrar(options: RegistrarOptions): Service {
  const { api, settings, isLeader, observer, clock, logger } = options;
  const paths = [mutatingPath, validatingPath].map((path) => `${path}/${configurationName}`);
  let isSettled = false;
  let appliedFor = '';
  let wasTrusted = false;

  return loopService('registrations', async ({ signal, ready }) => {
    let wasReady = false;
    while (!signal.aborted) {
      const isTrusted = await round().catch(failedRound);
      if (isTrusted === true) {
        wasReady = true;
        ready();
      }
      const isQuiet = isTrusted === undefined ? wasReady : isTrusted && isSettled;
      await sleep(clock, isQuiet ? steadyMs : eagerMs, signal);
    }
  });

  /** A configuration that is gone asks us nothing, whatever we wrote into it last: only whoever installs may make one. */
  function failedRound(error: unknown): undefined {
    if (error instanceof ClusterFailure && error.code === 'not-found') {
      registrations(settings).forEach(({ name }) => observer.failurePolicy(name, false));
      logger.error({ configuration: configurationName }, 'webhook configuration is gone: gate 1 is not asked');
    } else {
      logger.warn({ [logKeys.error]: error }, 'registrations not looked after');
    }
  }

  /** One look: repairs what differs if we lead, and says whether the API server trusts this replica. */
  async function round(): Promise<boolean> {
    const live = await Promise.all(paths.map((path) => api.get(path)));
    const isTrusted = live.every((configuration) => bundlesOf(configuration).includes(options.ownAuthority()));
    if (isLeader()) {
      await repair(live);
    } else {
      isSettled = true;
    }
    return isTrusted;
  }

  async function repair(live: readonly unknown[]): Promise<void> {
    const selector = encodeURIComponent(`${replicaLabel.key}=${replicaLabel.value}`);
    const leases = await api.list(`${leasesPath(settings.systemNamespace)}?labelSelector=${selector}`);
    const caBundle = caBundleOf(leases.items, clock.now());
    if (caBundle === '') {
      return;
    }
    const known = authoritiesIn(caBundle);
    // Once trusted, always: whoever empties a configuration must not gain a moment in which it fails open.
    wasTrusted ||= live.every((held) => bundlesOf(held).some((authority) => known.includes(authority)));
    const state = { caBundle, isTrusted: wasTrusted };
    const wanted = configurations(settings, state);
    const stale = wanted.filter((configuration, index) => !holds(live[index], configuration));
    const reason = `${String(state.isTrusted)} ${caBundle}`;
    if (stale.length > 0 && isSettled && reason === appliedFor) {
      observer.drifted();
      logger.warn({ configurations: stale.map(({ kind }) => kind) }, 'registrations were changed, putting them right');
    }
    for (const [index, configuration] of wanted.entries()) {
      if (stale.includes(configuration)) {
        await serverSideApply(api, paths[index] ?? '', configuration, fieldManager);
      }
    }
    for (const entry of registrations(settings)) {
      observer.failurePolicy(entry.name, presentFailurePolicy(entry, settings, state) === 'Fail');
    }
    appliedFor = reason;
    isSettled = stale.length === 0 && state.isTrusted;
  }
}

/** Every CA that all entries of a configuration trust; none when it has no entries. */
function bundlesOf(configuration: unknown): readonly string[] {
  const webhooks = isObject(configuration) ? listAt(configuration, 'webhooks') : [];
  const bundles = webhooks.map((webhook) =>
    authoritiesIn(Buffer.from(textAt(webhook, 'clientConfig', 'caBundle') ?? '', 'base64').toString('latin1')),
  );
  const [first = []] = bundles;
  return first.filter((authority) => bundles.every((bundle) => bundle.includes(authority)));
}

/** Whether `live` says what `wanted` says, whatever else the API server has added. */
function holds(live: unknown, wanted: JsonObject): boolean {
  return isObject(live) && isWithin(listAt(wanted, 'webhooks'), live['webhooks']);
}

function isWithin(wanted: Json | undefined, live: Json | undefined): boolean {
  if (Array.isArray(wanted)) {
    const [ours, theirs] = [listAt(wanted), listAt(live)];
    return (
      Array.isArray(live) && ours.length === theirs.length && ours.every((item, index) => isWithin(item, theirs[index]))
    );
  }
  if (isJsonObject(wanted)) {
    return isJsonObject(live) && Object.entries(wanted).every(([key, member]) => isWithin(member, live[key]));
  }
  return wanted === live;
}
