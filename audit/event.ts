import { z } from 'zod';

/*
 * The vocabulary of the audit log: one schema per event, names final. A record is a stamped event; the serialiser accepts what stands here and nothing
 * else, so that no token, key, request body or matched value can slip in. Times are RFC 3339, serials lower-case hex, digests SHA-256 in hex.
 */

/** S: durable before the answer that grants. W: written before the answer. B: buffered, losses counted. */
export type EventClass = 'S' | 'W' | 'B';

export const outcome = z.enum(['granted', 'refused', 'failed', 'info']);

const longestShort = 512;

/** Text from elsewhere, such as a name or a library's word. It is cut where it is too long: no stranger's long name may keep an event from being written. */
const short = z
  .string()
  .overwrite((text) => (text.length > longestShort ? `${text.slice(0, longestShort - 1).toWellFormed()}…` : text));
/** A SPIFFE ID, whole (ID-06). */
const spiffeId = z.string().max(2_048);
const names = z.array(short);
const time = z.iso.datetime();
const hex = z
  .string()
  .max(128)
  .regex(/^[0-9a-f]*$/);
const count = z.int().nonnegative();

const principal = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('workload'), spiffeId, serial: hex.optional() }),
  z.strictObject({
    kind: z.literal('kubernetes'),
    username: short,
    uid: short.optional(),
    groupsDigest: hex.optional(),
    credentialId: short.optional(),
  }),
  z.strictObject({ kind: z.literal('program'), program: short }),
]);

const target = z.strictObject({ kind: short, namespace: short.optional(), name: short, uid: short.optional() });

const correlation = z.strictObject({
  traceId: short.optional(),
  spanId: short.optional(),
  admissionUid: short.optional(),
  decisionId: short.optional(),
  credentialId: short.optional(),
  entryId: short.optional(),
  connectionId: short.optional(),
});

const client = z.strictObject({ address: short, port: z.int().optional() });

/** What any caller may say of any event. */
const said = {
  outcome,
  reasonCode: short.optional(),
  principal: principal.optional(),
  target: target.optional(),
  correlation: correlation.optional(),
  client: client.optional(),
  policyRev: short.optional(),
};

const svid = z.strictObject({
  kind: z.enum(['x509', 'jwt']),
  serial: hex,
  sha256: hex,
  notBefore: time,
  notAfter: time,
  authorityId: hex,
});

const attestation = z.strictObject({
  method: z.enum(['token-review', 'svid', 'cached', 'self']),
  namespace: short.optional(),
  serviceAccount: short.optional(),
  pod: short.optional(),
  podUid: short.optional(),
  node: short.optional(),
  nodeUid: short.optional(),
  credentialId: short.optional(),
  tokenReused: z.boolean().optional(),
  addressMatched: z.boolean().optional(),
});

const issuance = {
  spiffeId,
  entryId: short,
  entryRevision: hex,
  svid,
  csrSha256: hex,
  publicKeySha256: hex,
  requestedTtlSeconds: z.number().nullable(),
  ttlSeconds: z.number(),
  attestation,
};

const direction = z.enum(['inbound', 'outbound']);
const bytes = z.strictObject({ in: count, out: count });

/** One connection, as far as it was known when it ended. */
const connection = {
  direction,
  connectionId: short.optional(),
  peer: spiffeId.optional(),
  own: spiffeId.optional(),
  peerSerial: hex.optional(),
  peerSha256: hex.optional(),
  port: z.int().optional(),
  destination: short.optional(),
  endpoint: short.optional(),
  policy: short.optional(),
  policyGeneration: z.int().optional(),
  mode: short.optional(),
  tlsGroup: short.optional(),
  bundleSequence: short.optional(),
  bytes: bytes.optional(),
  durationMs: z.number().nonnegative().optional(),
  end: short.optional(),
  /** A library's word for it, such as OpenSSL's verdict. */
  detail: short.optional(),
  /** The reason for which `enforce` would have refused what passed by the mode alone. */
  wouldDeny: short.optional(),
  /** Identical ones this record stands for; absent: one. */
  count: z.int().positive().optional(),
};

const admission = {
  operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
  resource: short,
  rules: names,
  exemptions: names,
  patchDigest: hex.optional(),
  deployer: short.optional(),
  objectUid: short.optional(),
  templateDigest: hex.optional(),
  wouldDeny: names.optional(),
};

const exemption = {
  exemption: short,
  rules: names,
  scope: names,
  requester: short.optional(),
  approver: short.optional(),
  specDigest: hex.optional(),
  expiresAt: time.optional(),
};

const key = {
  keyId: short,
  purpose: z.enum(['x509', 'jwt', 'token']),
  activeFrom: time.optional(),
  signUntil: time.optional(),
  notAfter: time.optional(),
  endorsedBy: short.optional(),
};

function event<const Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) {
  return z.strictObject({ event: z.literal(name), ...said, ...shape });
}

/** What a caller appends. The log adds who saw it, when, and the chain. */
export const auditEvent = z.discriminatedUnion('event', [
  event('identity.issued', issuance),
  event('identity.renewed', { ...issuance, previousSerial: hex }),
  event('identity.denied', { attestation: attestation.optional(), requested: short.optional() }),
  event('identity.discarded', { serial: hex, spiffeId }),
  event('identity.degraded', { spiffeId, notAfter: time, lastError: short }),
  event('identity.expired', { spiffeId, notAfter: time, lastError: short }),
  event('access.granted', connection),
  event('access.denied', connection),
  event('access.plaintext', { ...connection, exception: short, unproven: short.optional() }),
  event('access.self', connection),
  event('access.summary', {
    direction,
    connectionKind: short,
    peer: spiffeId.optional(),
    port: z.int().optional(),
    connections: count,
    refusals: count,
    bytes,
    longestMs: z.number().nonnegative(),
    since: time.optional(),
  }),
  event('admission.mutated', admission),
  event('admission.allowed', admission),
  event('admission.denied', admission),
  event('admission.failed', admission),
  event('exemption.requested', exemption),
  event('exemption.approved', exemption),
  event('exemption.used', exemption),
  event('exemption.revoked', { ...exemption, by: short, useCount: count.optional() }),
  event('exemption.expired', { ...exemption, useCount: count.optional() }),
  event('bundle.changed', {
    sequence: short,
    added: names,
    removed: names,
    source: short,
  }),
  event('authority.joined', key),
  event('authority.activated', key),
  event('authority.drained', key),
  event('authority.pruned', key),
  event('config.changed', {
    resourceKind: short,
    name: short,
    oldDigest: hex.optional(),
    newDigest: hex,
    by: short.optional(),
  }),
  event('audit.log.opened', { recovered: z.boolean(), lastSeq: z.int().nullable(), lastDigest: hex.nullable() }),
  event('audit.log.closed', {}),
  event('audit.events.lost', { count: z.int().positive(), from: time.optional(), to: time.optional(), cause: short }),
]);

export type AuditEvent = z.infer<typeof auditEvent>;
export type AuditEventName = AuditEvent['event'];

const classes: Readonly<Record<AuditEventName, EventClass>> = {
  'identity.issued': 'S',
  'identity.renewed': 'S',
  'identity.denied': 'W',
  'identity.discarded': 'W',
  'identity.degraded': 'B',
  'identity.expired': 'B',
  'access.granted': 'B',
  'access.denied': 'B',
  'access.plaintext': 'B',
  'access.self': 'B',
  'access.summary': 'B',
  'admission.mutated': 'W',
  'admission.allowed': 'W',
  'admission.denied': 'W',
  'admission.failed': 'W',
  'exemption.requested': 'S',
  'exemption.approved': 'S',
  'exemption.used': 'S',
  'exemption.revoked': 'S',
  'exemption.expired': 'S',
  'bundle.changed': 'S',
  'authority.joined': 'S',
  'authority.activated': 'S',
  'authority.drained': 'S',
  'authority.pruned': 'S',
  'config.changed': 'S',
  'audit.log.opened': 'S',
  'audit.log.closed': 'S',
  'audit.events.lost': 'S',
};

/** How soon an event must be on disk. */
export const eventClass = (name: AuditEventName): EventClass => classes[name];

/** Who keeps a log, or saw an event on another's behalf. */
export const replica = z.strictObject({ pod: short, podUid: short, node: short, version: short });
export type Replica = z.infer<typeof replica>;

export const program = z.enum(['webhook', 'authority', 'sidecar', 'cli']);
export type Program = z.infer<typeof program>;

/** A sidecar's event on its way to the authority, which stamps it with its own authentication of the sender and its own time. */
export const forwardedEvent = z.strictObject({ id: z.ulid(), seenAt: time, event: auditEvent });
export type ForwardedEvent = z.infer<typeof forwardedEvent>;

/**
 * Fields of a record beside the event's own. `log` is `<program>/<pod UID>`, `seq` counts from 0, `prev` is the digest of the line before. `truncated`: parts of
 * the event were cut, and `wholeSha256` is the digest of the whole.
 */
export const recordStamp = z.object({
  kind: z.literal('audit'),
  id: z.ulid(),
  time,
  seenAt: time.optional(),
  log: short,
  seq: count,
  prev: hex.length(64),
  version: z.literal(1),
  program,
  replica,
  cluster: short,
  trustDomain: short,
  truncated: z.literal(true).optional(),
  wholeSha256: hex.length(64).optional(),
});
export type RecordStamp = z.infer<typeof recordStamp>;
