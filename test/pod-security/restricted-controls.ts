import type { JsonObject } from '../../webhook/admission/request.ts';
import { entriesAt, listAt, memberAt } from '../../webhook/policy/json-access.ts';
import { type Control, containersOf, contextsOf, isWindows, onContainers, textsOf, unacceptable } from './control.ts';

const volumeSources: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** What hardened workloads keep besides. */
export const restrictedControls: readonly Control[] = [
  {
    id: 'restrictedVolumes',
    check: (pod) =>
      listAt(pod, 'spec', 'volumes').flatMap((volume, index) =>
        entriesAt(volume).every(([member, source]) => member === 'name' || source === null || volumeSources.has(member))
          ? []
          : [`spec.volumes[${index}]`],
      ),
  },
  onContainers('allowPrivilegeEscalation', ['allowPrivilegeEscalation'], (value) => value === false, {
    windows: 'exempt',
  }),
  { id: 'runAsNonRoot', check: mayRunAsRoot },
  { id: 'runAsUser', check: (pod) => unacceptable(contextsOf(pod), ['runAsUser'], (value) => value !== 0) },
  {
    id: 'seccompProfileSet',
    check: (pod) =>
      isWindows(pod) ? [] : withoutOwnOrPods(pod, ['seccompProfile', 'type'], ['RuntimeDefault', 'Localhost']),
  },
  onContainers('capabilitiesDropped', ['capabilities', 'drop'], (value) => textsOf(value).includes('ALL'), {
    windows: 'exempt',
  }),
  onContainers(
    'capabilitiesAdded',
    ['capabilities', 'add'],
    (value) => textsOf(value).every((one) => one === 'NET_BIND_SERVICE'),
    { windows: 'exempt' },
  ),
];

function mayRunAsRoot(pod: JsonObject): readonly string[] {
  return withoutOwnOrPods(pod, ['runAsNonRoot'], [true]);
}

/** The containers that say something else, and, unless the pod says what is accepted, those that say nothing. */
function withoutOwnOrPods(
  pod: JsonObject,
  member: readonly string[],
  accepted: readonly (string | boolean)[],
): readonly string[] {
  const accepts = (value: ReturnType<typeof memberAt>): boolean =>
    (typeof value === 'string' || typeof value === 'boolean') && accepted.includes(value);
  const ofPod = memberAt(pod, 'spec', 'securityContext', ...member) ?? undefined;
  const field = (path: string): string => [path, 'securityContext', ...member].join('.');
  const bad = containersOf(pod).flatMap(({ value, path }) => {
    const own = memberAt(value, 'securityContext', ...member) ?? undefined;
    return accepts(own ?? ofPod) ? [] : [field(path)];
  });
  return ofPod !== undefined && !accepts(ofPod) ? [field('spec'), ...bad] : bad;
}
