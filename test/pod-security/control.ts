import type { Json, JsonObject } from '../../webhook/admission/request.ts';
import { listAt, memberAt, textAt } from '../../webhook/policy/json-access.ts';

/** One control of the Pod Security Standards. */
export interface Control {
  /** As the standard calls it. */
  readonly id: string;
  /** The fields that break it; none in a pod that keeps it. */
  readonly check: (pod: JsonObject) => readonly string[];
}

/** A part of a pod and where it stands. */
export interface Place {
  readonly value: Json;
  readonly path: string;
}

/** All containers, of all three lists. */
export function containersOf(pod: JsonObject): readonly Place[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    listAt(pod, 'spec', list).map((value, index) => ({ value, path: `spec.${list}[${index}]` })),
  );
}

/** The pod's security context and those of all its containers; absent ones too. */
export function contextsOf(pod: JsonObject): readonly Place[] {
  return [
    { value: memberAt(pod, 'spec', 'securityContext') ?? {}, path: 'spec.securityContext' },
    ...containersOf(pod).map(({ value, path }) => ({
      value: memberAt(value, 'securityContext') ?? {},
      path: `${path}.securityContext`,
    })),
  ];
}

export const isWindows = (pod: JsonObject): boolean => textAt(pod, 'spec', 'os', 'name') === 'windows';

/** The paths of the places whose member is there and not accepted. */
export function unacceptable(
  places: readonly Place[],
  member: readonly string[],
  accepts: (value: Json) => boolean,
): readonly string[] {
  return places.flatMap(({ value, path }) => {
    const found = memberAt(value, ...member);
    return found === undefined || found === null || accepts(found) ? [] : [[path, ...member].join('.')];
  });
}

/** A control on one member of every container's security context. */
export function onContainers(
  id: string,
  member: readonly string[],
  accepts: (value: Json | undefined) => boolean,
  options: { readonly windows: 'too' | 'exempt' } = { windows: 'too' },
): Control {
  return {
    id,
    check: (pod) =>
      options.windows === 'exempt' && isWindows(pod)
        ? []
        : containersOf(pod).flatMap(({ value, path }) =>
            accepts(memberAt(value, 'securityContext', ...member))
              ? []
              : [[path, 'securityContext', ...member].join('.')],
          ),
  };
}

/** The texts of a list; what is no text stands as an empty one, which no list of accepted words holds. */
export const textsOf = (list: Json | undefined): readonly string[] =>
  listAt(list).map((entry) => (typeof entry === 'string' ? entry : ''));
