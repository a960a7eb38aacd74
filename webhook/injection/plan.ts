import { parseOutbound } from '../../sidecar/settings.ts';
import type { AdmissionRequest, JsonObject } from '../admission/request.ts';
import { authorAnnotations, namespaceLabels } from '../annotations.ts';
import { visitContainers } from '../policy/containers.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import { listAt, memberAt, textAt } from '../policy/json-access.ts';
import { isMirrorPod } from '../policy/pod-template.ts';
import { authorAnnotationParsers, perPodRows } from './author-annotations.ts';
import { resolveInbound } from './inbound-annotation.ts';
import { type InjectionSettings, ourNamePrefix } from './settings.ts';
import type { SidecarPlan } from './sidecar-container.ts';
import { strip } from './strip.ts';

/** Why a pod is left as it is. Final words: they stand in metrics, events and explanations. */
export type SkipReason =
  | 'not-opted-in'
  | 'mirror'
  | 'host-network'
  | 'windows'
  | 'exempt'
  | 'name-taken'
  | 'capture-unavailable'
  | 'invalid-annotation';

export type InjectionPlan =
  | { readonly kind: 'inject'; readonly sidecar: SidecarPlan }
  /** `detail`: what in particular, for a person. */
  | { readonly kind: 'skip'; readonly reason: SkipReason; readonly detail: string };

export interface PlanSubject {
  readonly pod: JsonObject;
  readonly request: AdmissionRequest;
  readonly namespace: NamespaceFacts | undefined;
  /** Name of a valid exemption from `sidecar-required` for this pod. */
  readonly exemption: string | undefined;
}

const skip = (reason: SkipReason, detail: string): InjectionPlan => ({ kind: 'skip', reason, detail });

/**
 * Should this pod get a sidecar, and what is that told? A pod cannot opt itself out. Values: the pod's annotation before the namespace's, each within the bounds
 * of its kind, before the operator's setting before the default.
 */
export function planInjection(
  { pod, request, namespace, exemption }: PlanSubject,
  settings: InjectionSettings,
): InjectionPlan {
  const authored = strip(pod, settings);
  return (
    outOfScope(pod, request, namespace) ??
    (exemption === undefined ? undefined : skip('exempt', `Exemption ${exemption}`)) ??
    unavailable(namespace) ??
    nameTaken(authored) ??
    mapped(authored, namespace)
  );
}

function outOfScope(
  pod: JsonObject,
  request: AdmissionRequest,
  namespace: NamespaceFacts | undefined,
): InjectionPlan | undefined {
  if (namespace === undefined || (namespace.known && namespace.labels[namespaceLabels.identity] !== 'enabled')) {
    return skip('not-opted-in', `the namespace has no label ${namespaceLabels.identity}=enabled`);
  }
  if (isMirrorPod(request)) {
    return skip('mirror', 'a record of a static pod');
  }
  if (memberAt(pod, 'spec', 'hostNetwork') === true) {
    return skip('host-network', 'hostNetwork: true');
  }
  const isWindows =
    textAt(pod, 'spec', 'os', 'name') === 'windows' ||
    textAt(pod, 'spec', 'nodeSelector', 'kubernetes.io/os') === 'windows';
  return isWindows ? skip('windows', 'a Windows pod') : undefined;
}

/** What a namespace asks for and this version cannot give is said, never quietly replaced. */
function unavailable(namespace: NamespaceFacts | undefined): InjectionPlan | undefined {
  const asked = [
    { label: namespaceLabels.capture, only: 'explicit' },
    { label: namespaceLabels.dataPlane, only: 'own' },
  ].find(({ label, only }) => (namespace?.labels[label] ?? only) !== only);
  return asked === undefined
    ? undefined
    : skip(
        'capture-unavailable',
        `label ${asked.label} of the namespace asks for what this version cannot do; only ${asked.only} exists`,
      );
}

function nameTaken(pod: JsonObject): InjectionPlan | undefined {
  const names = [
    ...visitContainers(pod, '').flatMap(({ name, container }) => [
      name,
      ...listAt(container, 'ports').map((port) => textAt(port, 'name') ?? ''),
    ]),
    ...listAt(pod, 'spec', 'volumes').map((volume) => textAt(volume, 'name') ?? ''),
  ];
  const taken = names.find((name) => name.startsWith(ourNamePrefix));
  return taken === undefined
    ? undefined
    : skip('name-taken', `the pod has something of its own under the name ${taken.slice(0, 63)}`);
}

function mapped(pod: JsonObject, namespace: NamespaceFacts | undefined): InjectionPlan {
  const annotation = (key: string): string => textAt(pod, 'metadata', 'annotations', key) ?? '';
  const inbound = resolveInbound(annotation(authorAnnotations.inbound), pod);
  const outbound = parseOutbound(annotation(authorAnnotations.outbound));
  const perPod = perPodValues(pod, namespace);
  const refused = firstRefused(pod) ?? perPod.find(({ isAccepted }) => !isAccepted)?.from;
  if (!inbound.ok) {
    return skip('invalid-annotation', `annotation ${authorAnnotations.inbound}: ${inbound.problem.message}`);
  }
  if (!outbound.ok || refused !== undefined) {
    return skip('invalid-annotation', refused ?? `annotation ${authorAnnotations.outbound}`);
  }
  return {
    kind: 'inject',
    sidecar: {
      inbound: inbound.value,
      outbound: outbound.value,
      perPod: Object.fromEntries(perPod.map(({ setting, value }) => [setting, value])),
      isGuaranteed: isGuaranteed(pod),
    },
  };
}

/** The first annotation of the author's that says what it may not, for a person. */
function firstRefused(pod: JsonObject): string | undefined {
  const refused = [...authorAnnotationParsers()].find(([key, parse]) => {
    const value = textAt(pod, 'metadata', 'annotations', key);
    return value !== undefined && !parse(value).ok;
  });
  return refused === undefined ? undefined : `annotation ${refused[0]}`;
}

interface PerPodValue {
  readonly setting: string;
  readonly value: string;
  readonly from: string;
  readonly isAccepted: boolean;
}

/** The sidecar's settings that are chosen here: by the pod's annotation, else by its namespace's. */
function perPodValues(pod: JsonObject, namespace: NamespaceFacts | undefined): readonly PerPodValue[] {
  const annotations = new Map(Object.entries(namespace?.annotations ?? {}));
  return perPodRows.flatMap(({ setting, annotation, kind }) => {
    const own = textAt(pod, 'metadata', 'annotations', annotation);
    const value = own ?? annotations.get(annotation);
    const from = own === undefined ? `annotation ${annotation} of the namespace` : `annotation ${annotation}`;
    return value === undefined ? [] : [{ setting, value, from, isAccepted: kind.safeParse(value).success }];
  });
}

/** Quality of service Guaranteed: every container limits CPU and memory, and requests as much. */
function isGuaranteed(pod: JsonObject): boolean {
  const containers = visitContainers(pod, '').filter(({ kind }) => kind !== 'ephemeral');
  return (
    containers.length > 0 &&
    containers.every(({ container }) =>
      ['cpu', 'memory'].every((resource) => {
        const limit = memberAt(container, 'resources', 'limits', resource);
        return limit !== undefined && (memberAt(container, 'resources', 'requests', resource) ?? limit) === limit;
      }),
    )
  );
}
