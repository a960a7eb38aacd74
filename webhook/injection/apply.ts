import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../admission/request.ts';
import { injectedKeys } from '../annotations.ts';
import { listAt, objectAt, textAt } from '../policy/json-access.ts';
import { declaredPorts, portsLabel } from './declared-ports.ts';
import type { InjectionPlan } from './plan.ts';
import { withServerAdditions } from './server-additions.ts';
import type { InjectionSettings } from './settings.ts';
import { type SidecarPlan, sidecarContainer } from './sidecar-container.ts';
import { strip } from './strip.ts';
import { identityVolume } from './volumes.ts';

type Inject = Extract<InjectionPlan, { readonly kind: 'inject' }>;

const none: SidecarPlan = { inbound: [], outbound: [], perPod: {}, isGuaranteed: false };

/** A template costs as much as a sidecar, and there is one per settings: kept as long as they are. */
const templateNames = new WeakMap<InjectionSettings, string>();

/** Names the template that injected a pod: what every sidecar of these settings has in common. 16 hex digits. */
export function templateName(settings: InjectionSettings): string {
  const known = templateNames.get(settings);
  if (known !== undefined) {
    return known;
  }
  const template = JSON.stringify([sidecarContainer(none, settings), identityVolume(settings)]);
  const name = createHash('sha256').update(template).digest('hex').slice(0, 16);
  templateNames.set(settings, name);
  return name;
}

/** The pod with its sidecar before the author's init containers. Deterministic, and idempotent: what an injector of ours added before is derived afresh. */
export function applyInjection(pod: JsonObject, { sidecar }: Inject, settings: InjectionSettings): JsonObject {
  const authored = strip(pod, settings);
  const metadata = objectAt(authored, 'metadata') ?? {};
  const spec = objectAt(authored, 'spec') ?? {};
  const injection = {
    version: settings.version,
    capture: 'explicit',
    image: settings.image,
    template: templateName(settings),
  };
  return {
    ...authored,
    metadata: {
      ...metadata,
      labels: {
        ...objectAt(metadata, 'labels'),
        [injectedKeys.injected]: 'true',
        [injectedKeys.ports]: portsLabel(declaredPorts(authored)),
      },
      annotations: { ...objectAt(metadata, 'annotations'), [injectedKeys.injection]: JSON.stringify(injection) },
    },
    spec: {
      ...spec,
      initContainers: placed(
        withServerAdditions(sidecarContainer(sidecar, settings), pod, settings),
        listAt(spec, 'initContainers'),
      ),
      volumes: [...listAt(spec, 'volumes'), identityVolume(settings)],
    },
  };
}

/** Before the first init container that is no other mesh's: those set the network up that the sidecar speaks through. */
function placed(sidecar: JsonObject, initContainers: readonly Json[]): readonly Json[] {
  const first = initContainers.findIndex((container) => !isOfMesh(textAt(container, 'name') ?? ''));
  const at = first < 0 ? initContainers.length : first;
  return initContainers.toSpliced(at, 0, sidecar);
}

const isOfMesh = (name: string): boolean => ['istio-', 'linkerd-'].some((prefix) => name.startsWith(prefix));
