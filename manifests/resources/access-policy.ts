import { z } from 'zod';
import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';

/*
 * AccessPolicy: who may call the pods it selects. Allow-only; the union of all policies that select a pod is what it admits, and a pod that none
 * selects admits nobody. Fields of a peer are ANDed, entries ORed. Egress rules come with the setting that enforces them.
 */

const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const pathSegment = z.string().regex(/^(\*{1,2}|[a-zA-Z0-9._-]{1,255})$/);

const peer = z
  .object({
    id: z.string().min(1).max(2048).optional().meta({ description: 'A whole SPIFFE ID, compared exactly.' }),
    namespace: dnsLabel
      .optional()
      .meta({ description: 'Every service account of this namespace, in our own trust domain.' }),
    serviceAccount: z.string().min(1).max(253).optional().meta({ description: 'With `namespace`: this account only.' }),
    trustDomain: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: 'Another trust domain; absent: our own. Never `*`.' }),
    path: z
      .array(pathSegment)
      .min(1)
      .max(32)
      .optional()
      .meta({ description: 'Whole segments of the path: `*` is exactly one, a last `**` one or more.' }),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.id) || has(self.__namespace__) || has(self.trustDomain) || has(self.path)',
        message: 'a peer must name somebody',
      },
      {
        rule: '!has(self.id) || !(has(self.__namespace__) || has(self.serviceAccount) || has(self.trustDomain) || has(self.path))',
        message: 'id stands alone',
      },
      { rule: '!has(self.serviceAccount) || has(self.__namespace__)', message: 'serviceAccount needs namespace' },
      { rule: '!has(self.path) || !has(self.__namespace__)', message: 'path and namespace exclude each other' },
      { rule: "!has(self.trustDomain) || self.trustDomain != '*'", message: 'no policy may admit any trust domain' },
      {
        rule: "!has(self.path) || !self.path.exists(s, s == '**') || (self.path.exists_one(s, s == '**') && self.path[size(self.path) - 1] == '**')",
        message: '** only comes last',
      },
    ],
  });

/** A number, or the name of a container port, as text: the CRD says `int-or-string`. */
const port = z
  .union([z.int().min(1).max(65_535), z.string().regex(/^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/)])
  .meta({ 'x-kubernetes-int-or-string': true });

const rule = z
  .object({
    ports: z
      .array(port)
      .min(1)
      .max(64)
      .optional()
      .meta({ description: 'Target ports, by number or container port name; absent: every one.' }),
    peers: z.array(peer).min(1).max(256).optional(),
    external: z
      .boolean()
      .optional()
      .meta({ description: 'Also callers without any SVID from outside the mesh; needs `ports`.' }),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.peers) || (has(self.external) && self.external)',
        message: 'a rule names peers or is external',
      },
      { rule: '!has(self.external) || !self.external || has(self.ports)', message: 'external needs ports' },
    ],
  });

/** What an author writes. */
export const accessPolicySpec = z.object({
  pods: z
    .record(z.string().max(317), z.string().max(63))
    .default({})
    .meta({ description: 'Labels of the pods; empty: every pod of the namespace.' }),
  transport: z
    .enum(['strict', 'permissive'])
    .default('strict')
    .meta({ description: '`permissive` is honoured only with an approved Exemption.' }),
  from: z.array(rule).max(128).default([]),
});

const accessPolicy = z.object({
  metadata: z.object({
    namespace: z.string().min(1),
    name: z.string().min(1),
    generation: z.int().optional(),
    uid: z.string().optional(),
  }),
  spec: accessPolicySpec,
});

/** The custom resource, for the CRD and for whoever reads it. */
export const accessPolicyResource = {
  group: 'sallyport.dev',
  version: 'v1alpha1',
  kind: 'AccessPolicy',
  plural: 'accesspolicies',
  singular: 'accesspolicy',
  scope: 'Namespaced',
  description: 'Who may call the pods it selects. Nothing is admitted that no policy opens.',
  spec: accessPolicySpec,
} as const;

export type AccessPolicy = z.output<typeof accessPolicy>;
export type AccessPolicyRule = AccessPolicy['spec']['from'][number];
export type AccessPolicyPeer = NonNullable<AccessPolicyRule['peers']>[number];

/**
 * An AccessPolicy as the API server holds it. Unknown members are ignored: a newer replica may have written more. Problem `invalid-access-policy` with
 * the JSON pointer of the first fault, also for the rules between fields that the CRD states in CEL.
 */
export function parseAccessPolicy(value: unknown): Parsed<AccessPolicy> {
  const read = accessPolicy.safeParse(value);
  if (!read.success) {
    const issue = read.error.issues[0];
    return invalid(issue?.message ?? 'not an AccessPolicy', `/${(issue?.path ?? []).join('/')}`);
  }
  const fault = faultBetweenFields(read.data);
  return fault === undefined ? accepted(read.data) : invalid(fault.message, fault.path);
}

function invalid(message: string, path: string): Parsed<never> {
  return refused({ code: 'invalid-access-policy', message, path });
}

interface Fault {
  readonly message: string;
  readonly path: string;
}

function faultBetweenFields(policy: AccessPolicy): Fault | undefined {
  for (const [index, entry] of policy.spec.from.entries()) {
    const base = `/spec/from/${index}`;
    if (entry.external === true && entry.ports === undefined) {
      return { message: 'external needs ports', path: base };
    }
    if (entry.peers === undefined && entry.external !== true) {
      return { message: 'a rule names peers or is external', path: base };
    }
    for (const [place, who] of (entry.peers ?? []).entries()) {
      const message = faultOfPeer(who);
      if (message !== undefined) {
        return { message, path: `${base}/peers/${place}` };
      }
    }
  }
  return undefined;
}

function faultOfPeer(who: AccessPolicyPeer): string | undefined {
  const hasOthers =
    who.namespace !== undefined ||
    who.serviceAccount !== undefined ||
    who.trustDomain !== undefined ||
    who.path !== undefined;
  if (who.id === undefined && !hasOthers) {
    return 'a peer must name somebody';
  }
  if (who.id !== undefined && hasOthers) {
    return 'id stands alone';
  }
  if (who.serviceAccount !== undefined && who.namespace === undefined) {
    return 'serviceAccount needs namespace';
  }
  if (who.path !== undefined && who.namespace !== undefined) {
    return 'path and namespace exclude each other';
  }
  if (who.trustDomain === '*') {
    return 'no policy may admit any trust domain';
  }
  const deep = who.path?.indexOf('**') ?? -1;
  return who.path !== undefined && deep >= 0 && deep !== who.path.length - 1 ? '** only comes last' : undefined;
}
