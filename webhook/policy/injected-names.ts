import type { Json, JsonObject } from '../admission/request.ts';
import { type ContainerPlace, visitContainers } from './containers.ts';
import { isSameJson, listAt, memberAt, textAt } from './json-access.ts';

/**
 * Which parts of a pod are the injector's, by name alone: whether they are exactly what was derived is `sidecar-required`'s question, and the API server fills in
 * defaults between the two.
 */
export interface InjectedNames {
  container(place: ContainerPlace): boolean;
  volume(volume: Json): boolean;
  mount(container: string, mount: Json): boolean;
  key(member: 'labels' | 'annotations', key: string, value: Json): boolean;
}

/** In a template nothing is the injector's: it works on pods. */
export const nothingInjected: InjectedNames = {
  container: () => false,
  volume: () => false,
  mount: () => false,
  key: () => false,
};

/** The names that injection gives this pod; `expected` is the pod as it would leave it, undefined where it leaves the pod alone. */
export function injectedNames(expected: JsonObject | undefined): InjectedNames {
  if (expected === undefined) {
    return nothingInjected;
  }
  const derived = visitContainers(expected, '');
  const isNamed = (item: Json, other: Json, member: string) => textAt(item, member) === textAt(other, member);
  return {
    container: ({ name, kind }) => derived.some((place) => place.kind === kind && place.name === name),
    volume: (volume) => listAt(expected, 'spec', 'volumes').some((item) => isNamed(item, volume, 'name')),
    mount: (container, mount) =>
      derived
        .filter(({ name }) => name === container)
        .flatMap((place) => listAt(place.container, 'volumeMounts'))
        .some((item) => isNamed(item, mount, 'name') && isNamed(item, mount, 'mountPath')),
    key: (member, key) => memberAt(expected, 'metadata', member, key) !== undefined,
  };
}

/** What an update leaves as it was: judged when the pod was created, and not its author's doing now. */
export function unchangedParts(old: JsonObject | null): InjectedNames {
  if (old === null) {
    return nothingInjected;
  }
  const before = visitContainers(old, '');
  return {
    container: ({ name, kind, container }) =>
      before.some((place) => place.kind === kind && place.name === name && isSameJson(place.container, container)),
    volume: (volume) => listAt(old, 'spec', 'volumes').some((item) => isSameJson(item, volume)),
    mount: (container, mount) =>
      before
        .filter(({ name }) => name === container)
        .flatMap((place) => listAt(place.container, 'volumeMounts'))
        .some((item) => isSameJson(item, mount)),
    key: (member, key, value) => isSameJson(memberAt(old, 'metadata', member, key), value),
  };
}
