import type { AuditEvent } from '../audit/event.ts';
import { createPolicyStore, type PolicyStore } from './access/policy-store.ts';
import { isWildcard } from './addresses.ts';
import { authorityAccess } from './identity/authority-access.ts';
import { authoritySource } from './identity/authority-source.ts';
import { type AuthorityLink, authorityStream } from './identity/authority-stream.ts';
import { type IdentityLoop, identityLoop } from './identity/identity-loop.ts';
import { type ProjectedFiles, projectedFiles } from './identity/projected-files.ts';
import { createSvidStore } from './identity/svid-store.ts';
import type { SidecarMetrics } from './metrics.ts';
import { identityObserver, observeStores } from './observe-identity.ts';
import { createDirectory, type Directory } from './peers/directory.ts';
import { printHostPort } from './settings.ts';
import type { SidecarParts } from './sidecar.ts';
import { takeMessage } from './stream-messages.ts';
import type { Sweep } from './sweep.ts';
import { createTlsContexts, type TlsContexts } from './tls/contexts.ts';

/** What comes from the authority: identity, anchors, policy, directory. */
export interface Control {
  readonly files: ProjectedFiles;
  readonly contexts: TlsContexts;
  readonly policies: PolicyStore;
  readonly directory: Directory;
  readonly loop: IdentityLoop;
  readonly link: AuthorityLink;
}

/** Wires the identity loop and the stream to the stores they fill. */
export function composeControl(
  { settings, clock, random, logger }: SidecarParts,
  metrics: SidecarMetrics,
  sweep: Sweep,
  append: (event: AuditEvent) => void,
): Control {
  const { trustDomain, listenAddress, x509Ttl } = settings;
  const files = projectedFiles(settings);
  const store = createSvidStore();
  const contexts = createTlsContexts(store, clock);
  const policies = createPolicyStore();
  const reach = authorityAccess({
    address: printHostPort(settings.authorityAddress),
    authorityId: settings.authorityId,
    ...(isWildcard(listenAddress) ? {} : { localAddress: listenAddress }),
    files,
    clock,
  });
  const ttl = x509Ttl === undefined ? {} : { ttlSeconds: Math.floor(x509Ttl / 1_000) };
  const loop = identityLoop({
    source: authoritySource({ reach, files, trustDomain, clock, ...ttl }),
    store,
    trustDomain,
    evidenceVersion: files.tokenVersion,
    clock,
    random,
    logger,
    observer: identityObserver(metrics, append),
  });
  const directory = createDirectory({
    follow: (keys, drop) => link.subscribe(keys, drop),
    clock,
    sweep,
    observer: {
      entries: (count) => metrics.directoryEntries.set(count),
      lookedUp(result, seconds) {
        metrics.directoryLookups.inc({ result });
        if (seconds !== undefined) {
          metrics.directoryLookupSeconds.observe(seconds);
        }
      },
    },
  });
  const sinks = { trustDomain, store, policies, directory, renewWithin: loop.renewWithin, logger };
  const link: AuthorityLink = authorityStream({
    reach,
    store,
    contexts,
    trustDomain,
    policyGeneration: () => policies.current()?.generation ?? 0,
    onMessage: (message) => takeMessage(message, sinks),
    onOpen: directory.resubscribe,
    onState: (isOpen) => metrics.streamOpen.set(isOpen ? 1 : 0),
    clock,
    random,
    logger,
  });
  policies.onChange(link.acknowledge);
  observeStores(metrics, store, contexts);
  return { files, contexts, policies, directory, loop, link };
}
