import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { NamespaceLookup, PodLookup } from '../attestation/ports.ts';
import type { Watches } from '../cluster/watches.ts';
import type { IdTemplate } from '../entitlement/id-template.ts';
import { fillTemplate } from '../entitlement/id-template.ts';
import type { BundleSource } from '../issuance/signer.ts';
import { compileAccess } from '../peers/compile-access.ts';
import { buildDirectory, type Directory } from '../peers/directory.ts';
import { isNetworkPolicySeen } from '../peers/network-policy-seen.ts';
import { bundleDocuments } from './app.ts';
import type { StreamSources } from './workload-streams.ts';

export interface StreamSourceParts {
  readonly watches: Watches;
  readonly pods: PodLookup;
  readonly namespaces: NamespaceLookup;
  readonly bundles: BundleSource;
  readonly trustDomain: TrustDomain;
  readonly template: IdTemplate;
}

/** What streams tell, from the watches as they are now. The directory's index is rebuilt only when one of its watches has moved. */
export function streamSources(parts: StreamSourceParts): StreamSources {
  const { watches, namespaces, trustDomain, template } = parts;
  const directory = indexedDirectory(parts);
  return {
    bundles() {
      const bundle = parts.bundles.current();
      return bundle === undefined
        ? undefined
        : { type: 'bundles', sequence: String(bundle.sequence ?? 0n), bundles: bundleDocuments(bundle) };
    },
    policyOf(pod) {
      const mode = namespaces.get(pod.namespace)?.mode ?? 'enforce';
      const policies = watches.accessPolicies.all();
      return {
        access: compileAccess({ pod, policies, mode, trustDomain, template }),
        networkPolicySeen: isNetworkPolicySeen(pod, mode, watches.networkPolicies.all()),
      };
    },
    lookUp: (key) => directory().lookUp(key),
    podOf({ pod }) {
      const found = parts.pods.find(pod.namespace, pod.name);
      return found?.uid === pod.uid ? found : undefined;
    },
  };
}

function indexedDirectory({ watches, trustDomain, template }: StreamSourceParts): () => Directory {
  let index: Directory | undefined;
  let builtAt = '';
  return () => {
    const revision = [watches.services, watches.slices, watches.pods].map((watch) => watch.revision()).join();
    if (index === undefined || revision !== builtAt) {
      builtAt = revision;
      index = buildDirectory({
        services: watches.services.all(),
        slices: watches.slices.all(),
        pods: watches.pods.all(),
        idOf(pod) {
          const id = fillTemplate(template, trustDomain, pod);
          return id.ok ? id.value.text : undefined;
        },
      });
    }
    return index;
  };
}
