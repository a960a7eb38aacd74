import { printEnvironment } from '../../runtime/settings/print-environment.ts';
import { readSettings } from '../../runtime/settings/read-settings.ts';
import {
  type InboundMapping,
  type OutboundMapping,
  printInbound,
  printOutbound,
  type SidecarSettings,
  sidecarSettings,
} from '../../sidecar/settings.ts';
import type { JsonObject } from '../admission/request.ts';
import { type InjectionSettings, identityDirectory, injectedNames } from './settings.ts';

/** What one pod's sidecar is told, beside what all are. `perPod`: text by setting name, as the author wrote it, judged before. */
export interface SidecarPlan {
  readonly inbound: readonly InboundMapping[];
  readonly outbound: readonly OutboundMapping[];
  readonly perPod: Readonly<Record<string, string>>;
  /** Requests equal to limits, so that a Guaranteed pod stays one. */
  readonly isGuaranteed: boolean;
}

/** Filled in by the kubelet from the pod itself. */
const downward: Readonly<Record<string, string>> = {
  SALLYPORT_POD_NAME: 'metadata.name',
  SALLYPORT_POD_NAMESPACE: 'metadata.namespace',
  SALLYPORT_POD_UID: 'metadata.uid',
  SALLYPORT_NODE_NAME: 'spec.nodeName',
};

/**
 * The native sidecar (KEP-753): it starts before the author's init containers and outlives the application. Every field that the API server would default is
 * written out, so that "exactly as derived" can be judged by equality. It passes Pod Security *restricted*.
 */
export function sidecarContainer(plan: SidecarPlan, settings: InjectionSettings): JsonObject {
  const { variables, adminPort } = told(plan, settings);
  return {
    name: injectedNames.container,
    image: settings.image,
    imagePullPolicy: 'IfNotPresent',
    restartPolicy: 'Always',
    env: environment(variables),
    ports: ports(plan, adminPort),
    resources: resources(plan.isGuaranteed),
    startupProbe: probe('/ready', adminPort, { periodSeconds: 1, failureThreshold: 120 }),
    readinessProbe: probe('/ready', adminPort, { periodSeconds: 5, failureThreshold: 3 }),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: settings.sidecarUid,
      runAsNonRoot: true,
      runAsUser: settings.sidecarUid,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    volumeMounts: [{ name: injectedNames.identityVolume, mountPath: identityDirectory, readOnly: true }],
  };
}

/** What a sidecar is told, as its own table writes it. */
interface Told {
  readonly variables: Readonly<Record<string, string>>;
  readonly adminPort: number;
}

/** Reading and printing the whole table is a tenth of a review: done once per settings, kept as long as they are. */
const commonOf = new WeakMap<InjectionSettings, Told>();

/** Most pods differ from one another by their ports alone; what an author chose besides is read through the table. */
function told(plan: SidecarPlan, settings: InjectionSettings): Told {
  if (Object.keys(plan.perPod).length > 0) {
    return toldByTable(plan, settings);
  }
  const common = commonOf.get(settings) ?? toldByTable({ ...plan, inbound: [], outbound: [] }, settings);
  commonOf.set(settings, common);
  const { inbound, outbound } = plan;
  const mapped = { SALLYPORT_INBOUND: printInbound(inbound), SALLYPORT_OUTBOUND: printOutbound(outbound) };
  return { ...common, variables: { ...common.variables, ...mapped } };
}

function toldByTable(plan: SidecarPlan, settings: InjectionSettings): Told {
  const values = sidecarValues(plan, settings);
  return { variables: printEnvironment(sidecarSettings, values), adminPort: values.adminPort };
}

/** The sidecar's own table decides names, defaults and form: the two programs cannot drift apart. */
function sidecarValues({ inbound, outbound, perPod }: SidecarPlan, settings: InjectionSettings): SidecarSettings {
  const fixed = {
    SALLYPORT_TRUST_DOMAIN: settings.trustDomain,
    SALLYPORT_AUTHORITY_ADDRESS: settings.authorityAddress,
    SALLYPORT_AUTHORITY_ID: settings.authorityId,
    SALLYPORT_INBOUND: printInbound(inbound),
    SALLYPORT_OUTBOUND: printOutbound(outbound),
  };
  const chosen = sidecarSettings.rows.flatMap(({ path, variable }) => {
    const value = perPod[path[0] ?? ''];
    return value === undefined ? [] : [[variable, value] as const];
  });
  const placeholders = Object.fromEntries(Object.keys(downward).map((variable) => [variable, '-']));
  return readSettings(sidecarSettings, { ...placeholders, ...fixed, ...Object.fromEntries(chosen) });
}

function environment(variables: Told['variables']): readonly JsonObject[] {
  return Object.entries(variables).map(([name, value]): JsonObject => {
    const fieldPath = downward[name];
    if (fieldPath !== undefined) {
      return { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
    }
    // The API server stores an empty value as none.
    return value === '' ? { name } : { name, value };
  });
}

function ports({ inbound }: SidecarPlan, adminPort: number): readonly JsonObject[] {
  const tls = inbound.map(({ listen }) => ({ name: `sallyport-${listen}`, containerPort: listen, protocol: 'TCP' }));
  return [...tls, { name: injectedNames.adminPort, containerPort: adminPort, protocol: 'TCP' }];
}

function resources(isGuaranteed: boolean): JsonObject {
  const limits = { cpu: '200m', memory: '256Mi' };
  return { limits, requests: isGuaranteed ? limits : { cpu: '50m', memory: '96Mi' } };
}

function probe(
  path: string,
  port: number,
  pace: { readonly periodSeconds: number; readonly failureThreshold: number },
): JsonObject {
  return { httpGet: { path, port, scheme: 'HTTP' }, timeoutSeconds: 1, successThreshold: 1, ...pace };
}
