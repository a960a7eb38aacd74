import { z } from 'zod';
import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';

/*
 * TrustBundle: the public anchors of one trust domain, and when each is valid. It is written by the authority alone and holds nothing secret; it is what
 * outlives the loss of every replica.
 */

const time = z.iso.datetime();
const keyId = z.string().regex(/^[0-9a-f]{8,128}$/);

const authority = z.object({
  id: keyId.meta({ description: 'Subject key identifier, hex; `kid` of a JWT key.' }),
  kind: z.enum(['x509', 'jwt']),
  public: z
    .string()
    .min(1)
    .max(8192)
    .meta({ description: 'x509: base64 of the DER certificate; jwt: base64 of the SubjectPublicKeyInfo.' }),
  preparedAt: time,
  activeFrom: time,
  signUntil: time,
  notAfter: time.meta({ description: 'When the entry is pruned.' }),
  fullLead: z
    .boolean()
    .default(true)
    .meta({ description: 'False for founding and late keys, active sooner than the key period.' }),
  endorsement: z
    .string()
    .max(4096)
    .optional()
    .meta({ description: 'JWS over this entry by a key already distributed.' }),
});

/** What the authority publishes. */
export const trustBundleSpec = z.object({
  trustDomain: z.string().min(1).max(255),
  refreshHintSeconds: z.int().min(1).max(86_400).default(300),
  sequenceBase: z
    .string()
    .regex(/^[0-9]{1,20}$/)
    .meta({ description: 'Decimal; the sequence is this plus metadata.generation.' }),
  authorities: z
    .array(authority)
    .max(48)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] }),
});

/** Where each key stands. A withdrawn id never returns. */
export const trustBundleStatus = z.object({
  authorities: z
    .array(
      z.object({
        id: keyId,
        state: z.enum(['next', 'current', 'draining', 'withdrawn']),
        activatedAt: time.optional(),
      }),
    )
    .max(256)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] }),
});

const trustBundle = z.object({
  metadata: z.object({
    name: z.string().min(1),
    generation: z.int().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
  }),
  spec: trustBundleSpec,
  status: trustBundleStatus.optional(),
});

/** The custom resource, for the CRD and for whoever reads it. */
export const trustBundleResource = {
  group: 'sallyport.dev',
  version: 'v1alpha1',
  kind: 'TrustBundle',
  plural: 'trustbundles',
  singular: 'trustbundle',
  scope: 'Cluster',
  description: 'The public anchors of one trust domain and when each is valid. Written by the authority.',
  spec: trustBundleSpec,
  status: trustBundleStatus,
} as const;

export type TrustBundleObject = z.output<typeof trustBundle>;
export type TrustBundleAuthority = TrustBundleObject['spec']['authorities'][number];

/** A TrustBundle as the API server holds it; unknown members are ignored. Problem `invalid-trust-bundle` with the JSON pointer of the first fault. */
export function parseTrustBundle(value: unknown): Parsed<TrustBundleObject> {
  const read = trustBundle.safeParse(value);
  if (read.success) {
    return accepted(read.data);
  }
  const issue = read.error.issues[0];
  return refused({
    code: 'invalid-trust-bundle',
    message: issue?.message ?? 'not a TrustBundle',
    path: `/${(issue?.path ?? []).join('/')}`,
  });
}
