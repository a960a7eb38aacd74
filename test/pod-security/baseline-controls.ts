import { entriesAt, listAt, memberAt, textAt } from '../../webhook/policy/json-access.ts';
import { type Control, containersOf, contextsOf, onContainers, textsOf, unacceptable } from './control.ts';

const addable: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const seLinuxTypes: ReadonlySet<string> = new Set([
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]);

const safeSysctls: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

/** What every container of a cluster must keep that has not been given the node. */
export const baselineControls: readonly Control[] = [
  {
    id: 'hostProcess',
    check: (pod) => unacceptable(contextsOf(pod), ['windowsOptions', 'hostProcess'], (value) => value === false),
  },
  {
    id: 'hostNamespaces',
    check: (pod) =>
      ['hostNetwork', 'hostPID', 'hostIPC'].flatMap((member) =>
        memberAt(pod, 'spec', member) === true ? [`spec.${member}`] : [],
      ),
  },
  onContainers('privileged', ['privileged'], (value) => value !== true),
  onContainers('capabilities', ['capabilities', 'add'], (value) => textsOf(value).every((one) => addable.has(one))),
  {
    id: 'hostPathVolumes',
    check: (pod) =>
      listAt(pod, 'spec', 'volumes').flatMap((volume, index) =>
        memberAt(volume, 'hostPath') === undefined ? [] : [`spec.volumes[${index}].hostPath`],
      ),
  },
  {
    id: 'hostPorts',
    check: (pod) =>
      containersOf(pod).flatMap(({ value, path }) =>
        listAt(value, 'ports').flatMap((port, index) =>
          [undefined, null, 0].includes(numberOrNothing(memberAt(port, 'hostPort')))
            ? []
            : [`${path}.ports[${index}].hostPort`],
        ),
      ),
  },
  {
    id: 'hostProbesAndHostLifecycle',
    check: (pod) => containersOf(pod).flatMap(({ value, path }) => hosts(value, path)),
  },
  {
    id: 'appArmorProfile',
    check: (pod) => [
      ...entriesAt(pod, 'metadata', 'annotations').flatMap(([key, value]) =>
        !key.startsWith(appArmorPrefix) || isAppArmorProfile(value) ? [] : [`metadata.annotations.${key}`],
      ),
      ...unacceptable(
        contextsOf(pod),
        ['appArmorProfile', 'type'],
        (value) => value === 'RuntimeDefault' || value === 'Localhost',
      ),
    ],
  },
  {
    id: 'seLinuxOptions',
    check: (pod) => [
      ...unacceptable(
        contextsOf(pod),
        ['seLinuxOptions', 'type'],
        (value) => typeof value === 'string' && seLinuxTypes.has(value),
      ),
      ...unacceptable(contextsOf(pod), ['seLinuxOptions', 'user'], (value) => value === ''),
      ...unacceptable(contextsOf(pod), ['seLinuxOptions', 'role'], (value) => value === ''),
    ],
  },
  onContainers('procMount', ['procMount'], (value) => value === undefined || value === null || value === 'Default'),
  {
    id: 'seccompProfile',
    check: (pod) => unacceptable(contextsOf(pod), ['seccompProfile', 'type'], (value) => value !== 'Unconfined'),
  },
  {
    id: 'sysctls',
    check: (pod) =>
      listAt(pod, 'spec', 'securityContext', 'sysctls').flatMap((sysctl, index) =>
        safeSysctls.has(textAt(sysctl, 'name') ?? '') ? [] : [`spec.securityContext.sysctls[${index}].name`],
      ),
  },
];

type Value = ReturnType<typeof memberAt>;

const numberOrNothing = (value: Value): number | null | undefined =>
  value === undefined || value === null ? value : typeof value === 'number' ? value : -1;

const isAppArmorProfile = (value: Value): boolean =>
  typeof value === 'string' && (value === '' || value === 'runtime/default' || value.startsWith('localhost/'));

/** Probes and hooks that make the kubelet dial somebody else. */
function hosts(container: Value, path: string): readonly string[] {
  const handlers = [
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((probe) => [probe]),
    ...['postStart', 'preStop'].map((hook) => ['lifecycle', hook]),
  ];
  return handlers.flatMap((handler) =>
    ['httpGet', 'tcpSocket'].flatMap((action) =>
      unacceptable([{ value: container ?? null, path }], [...handler, action, 'host'], (host) => host === ''),
    ),
  );
}
