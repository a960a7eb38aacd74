import type { JsonObject } from '../admission/request.ts';
import { pointer, type SafeText } from './finding.ts';
import { isJsonObject, listAt, textAt } from './json-access.ts';
import { shownName } from './shown-name.ts';

export type ContainerKind = 'init' | 'regular' | 'ephemeral';

/** A container and where it stands. `label`: how a finding calls it (`container "web"`). `path`: JSON pointer of the container. */
export interface ContainerPlace {
  readonly container: JsonObject;
  readonly kind: ContainerKind;
  readonly name: string;
  readonly label: SafeText;
  readonly path: string;
}

const lists = [
  { member: 'initContainers', kind: 'init', word: 'init container' },
  { member: 'containers', kind: 'regular', word: 'container' },
  { member: 'ephemeralContainers', kind: 'ephemeral', word: 'ephemeral container' },
] as const;

/**
 * The one visitor: init, regular and ephemeral containers of a pod or pod template, in that order. `base`: JSON pointer of the pod in its object.
 * Members that are no objects are skipped; the API server refuses them.
 */
export function visitContainers(pod: JsonObject, base: string): readonly ContainerPlace[] {
  return lists.flatMap(({ member, kind, word }) =>
    listAt(pod, 'spec', member).flatMap((container, index): readonly ContainerPlace[] => {
      if (!isJsonObject(container)) {
        return [];
      }
      const name = textAt(container, 'name') ?? '';
      return [
        { container, kind, name, label: `${word} ${shownName(name)}`, path: pointer(base, 'spec', member, index) },
      ];
    }),
  );
}
