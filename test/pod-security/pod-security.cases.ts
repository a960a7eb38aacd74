import type { JsonObject } from '../../webhook/admission/request.ts';
import { type Tweak, tweaked } from '../builders/judgement.ts';
import type { Level } from './pod-security.ts';

/** A pod that keeps every control of both levels. */
export const restrictedPod: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'payments' },
  spec: {
    serviceAccountName: 'web',
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'web',
        image: 'registry.example/web:1',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
};

export interface ControlCase {
  readonly control: string;
  readonly level: Level;
  readonly name: string;
  readonly pod: JsonObject;
  readonly field: string;
}

const spec = (change: Tweak): JsonObject => tweaked(restrictedPod, { spec: change });

const safe: JsonObject = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** The change in each list of containers: no control may forget one. */
function inEveryList(
  control: string,
  level: Level,
  name: string,
  container: Tweak,
  member: string,
): readonly ControlCase[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].map((list) => {
    const other: JsonObject = { name: 'other', image: 'registry.example/other:1', securityContext: safe };
    const field = `spec.${list}[0].${member}`;
    const bad = tweaked(other, container);
    const containers = list === 'containers' ? {} : { containers: [other] };
    return { control, level, name: `${name}, in ${list}`, pod: spec({ ...containers, [list]: [bad] }), field };
  });
}

const context = (change: Tweak): Tweak => ({ securityContext: change });

/** At least one pod per control that it alone refuses. */
export const controlCases: readonly ControlCase[] = [
  {
    control: 'hostProcess',
    level: 'baseline',
    name: 'a host process of the pod',
    pod: spec({ securityContext: { windowsOptions: { hostProcess: true } } }),
    field: 'spec.securityContext.windowsOptions.hostProcess',
  },
  ...inEveryList(
    'hostProcess',
    'baseline',
    'a host process',
    context({ windowsOptions: { hostProcess: true } }),
    'securityContext.windowsOptions.hostProcess',
  ),
  ...['hostNetwork', 'hostPID', 'hostIPC'].map(
    (member): ControlCase => ({
      control: 'hostNamespaces',
      level: 'baseline',
      name: member,
      pod: spec({ [member]: true }),
      field: `spec.${member}`,
    }),
  ),
  ...inEveryList(
    'privileged',
    'baseline',
    'a privileged container',
    context({ privileged: true }),
    'securityContext.privileged',
  ),
  ...inEveryList(
    'hostPorts',
    'baseline',
    'a port of the node',
    { ports: [{ containerPort: 80, hostPort: 80 }] },
    'ports[0].hostPort',
  ),
  {
    control: 'hostPathVolumes',
    level: 'baseline',
    name: 'a directory of the node',
    pod: spec({ volumes: [{ name: 'node', hostPath: { path: '/' } }] }),
    field: 'spec.volumes[0].hostPath',
  },
  ...inEveryList(
    'hostProbesAndHostLifecycle',
    'baseline',
    'a probe of somebody else',
    { livenessProbe: { httpGet: { host: '192.0.2.1', port: 80 } } },
    'livenessProbe.httpGet.host',
  ),
  ...inEveryList(
    'hostProbesAndHostLifecycle',
    'baseline',
    'a hook to somebody else',
    { lifecycle: { preStop: { tcpSocket: { host: '192.0.2.1', port: 80 } } } },
    'lifecycle.preStop.tcpSocket.host',
  ),
  {
    control: 'appArmorProfile',
    level: 'baseline',
    name: 'no AppArmor, by annotation',
    pod: tweaked(restrictedPod, {
      metadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/web': 'unconfined' } },
    }),
    field: 'metadata.annotations.container.apparmor.security.beta.kubernetes.io/web',
  },
  {
    control: 'appArmorProfile',
    level: 'baseline',
    name: 'no AppArmor for the pod',
    pod: spec({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
    field: 'spec.securityContext.appArmorProfile.type',
  },
  ...inEveryList(
    'appArmorProfile',
    'baseline',
    'no AppArmor',
    context({ appArmorProfile: { type: 'Unconfined' } }),
    'securityContext.appArmorProfile.type',
  ),
  ...inEveryList(
    'seLinuxOptions',
    'baseline',
    'another SELinux type',
    context({ seLinuxOptions: { type: 'spc_t' } }),
    'securityContext.seLinuxOptions.type',
  ),
  ...inEveryList(
    'seLinuxOptions',
    'baseline',
    'an SELinux user',
    context({ seLinuxOptions: { user: 'system_u' } }),
    'securityContext.seLinuxOptions.user',
  ),
  {
    control: 'seLinuxOptions',
    level: 'baseline',
    name: 'an SELinux role for the pod',
    pod: spec({ securityContext: { seLinuxOptions: { role: 'system_r' } } }),
    field: 'spec.securityContext.seLinuxOptions.role',
  },
  ...inEveryList(
    'procMount',
    'baseline',
    'all of /proc',
    context({ procMount: 'Unmasked' }),
    'securityContext.procMount',
  ),
  {
    control: 'sysctls',
    level: 'baseline',
    name: 'a kernel parameter of the node',
    pod: spec({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    field: 'spec.securityContext.sysctls[0].name',
  },
  {
    control: 'restrictedVolumes',
    level: 'restricted',
    name: 'a volume of the network',
    pod: spec({ volumes: [{ name: 'share', nfs: { server: 'files.example', path: '/' } }] }),
    field: 'spec.volumes[0]',
  },
  ...inEveryList(
    'allowPrivilegeEscalation',
    'restricted',
    'a way up that nobody closed',
    context({ allowPrivilegeEscalation: undefined }),
    'securityContext.allowPrivilegeEscalation',
  ),
  ...inEveryList(
    'allowPrivilegeEscalation',
    'restricted',
    'a way up',
    context({ allowPrivilegeEscalation: true }),
    'securityContext.allowPrivilegeEscalation',
  ),
  ...inEveryList(
    'runAsNonRoot',
    'restricted',
    'root',
    context({ runAsNonRoot: false }),
    'securityContext.runAsNonRoot',
  ),
  {
    control: 'runAsNonRoot',
    level: 'restricted',
    name: 'nobody who forbids root',
    pod: spec({ securityContext: { runAsNonRoot: undefined } }),
    field: 'spec.containers[0].securityContext.runAsNonRoot',
  },
  {
    control: 'runAsUser',
    level: 'restricted',
    name: 'uid 0 for the pod',
    pod: spec({ securityContext: { runAsUser: 0 } }),
    field: 'spec.securityContext.runAsUser',
  },
  ...inEveryList('runAsUser', 'restricted', 'uid 0', context({ runAsUser: 0 }), 'securityContext.runAsUser'),
  {
    control: 'seccompProfileSet',
    level: 'restricted',
    name: 'no seccomp profile named',
    pod: spec({ securityContext: { seccompProfile: undefined } }),
    field: 'spec.containers[0].securityContext.seccompProfile.type',
  },
  ...inEveryList(
    'capabilitiesDropped',
    'restricted',
    'capabilities kept',
    context({ capabilities: { drop: ['NET_RAW'] } }),
    'securityContext.capabilities.drop',
  ),
  ...inEveryList(
    'capabilitiesAdded',
    'restricted',
    'a capability that baseline lets pass',
    context({ capabilities: { add: ['CHOWN'] } }),
    'securityContext.capabilities.add',
  ),
];

/** Breaks baseline and, by the same field, restricted's stricter control. */
export const doubleCases: readonly (ControlCase & { readonly also: string })[] = [
  ...inEveryList(
    'capabilities',
    'baseline',
    'power over the network',
    context({ capabilities: { add: ['NET_ADMIN'] } }),
    'securityContext.capabilities.add',
  ).map((each) => ({ ...each, also: 'capabilitiesAdded' })),
  ...inEveryList(
    'seccompProfile',
    'baseline',
    'no seccomp',
    context({ seccompProfile: { type: 'Unconfined' } }),
    'securityContext.seccompProfile.type',
  ).map((each) => ({ ...each, also: 'seccompProfileSet' })),
];

/** What both levels let pass, though it looks like what they mind. */
export const passingPods: readonly { readonly name: string; readonly pod: JsonObject }[] = [
  { name: 'a plain pod', pod: restrictedPod },
  {
    name: 'a container that says itself what its pod leaves open',
    pod: spec({
      securityContext: undefined,
      containers: [
        {
          name: 'web',
          image: 'registry.example/web:1',
          securityContext: {
            ...safe,
            runAsNonRoot: true,
            seccompProfile: { type: 'Localhost', localhostProfile: 'web' },
          },
        },
      ],
    }),
  },
  {
    name: 'ports, volumes, sysctls and one capability',
    pod: spec({
      securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', projected: { sources: [] } },
        { name: 'c', secret: {} },
      ],
      containers: [
        {
          name: 'web',
          image: 'registry.example/web:1',
          ports: [{ containerPort: 80, hostPort: 0 }],
          readinessProbe: { httpGet: { port: 80, host: '' } },
          securityContext: { ...safe, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } },
        },
      ],
    }),
  },
  {
    name: 'a Windows pod, which has no capabilities to drop',
    pod: spec({
      os: { name: 'windows' },
      securityContext: { runAsNonRoot: true, seccompProfile: undefined },
      containers: [{ name: 'web', image: 'registry.example/web:1' }],
    }),
  },
];
