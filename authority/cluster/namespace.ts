import { z } from 'zod';
import type { NamespaceFacts, NamespaceMode } from '../attestation/ports.ts';
import { marks } from '../marks.ts';

const namespaceObject = z.object({
  metadata: z.object({
    name: z.string().min(1),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().nullish(),
  }),
});

/** What we keep of a Namespace; undefined when it is not one. */
export function parseNamespace(object: unknown): NamespaceFacts | undefined {
  const read = namespaceObject.safeParse(object);
  if (!read.success) {
    return undefined;
  }
  const { name, labels, deletionTimestamp } = read.data.metadata;
  const isOptedIn = labels[marks.identity] === 'enabled';
  return {
    name,
    isOptedIn,
    mode: modeOf(labels[marks.policy], isOptedIn),
    isBeingDeleted: (deletionTimestamp ?? undefined) !== undefined,
  };
}

/** The label's mode; without one, or with one that means nothing, `enforce` where identity is enabled and `audit` elsewhere. */
function modeOf(label: string | undefined, isOptedIn: boolean): NamespaceMode {
  if (label === 'enforce' || label === 'warn' || label === 'audit') {
    return label;
  }
  return isOptedIn ? 'enforce' : 'audit';
}
