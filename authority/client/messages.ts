import { z } from 'zod';

/*
 * PUBLISHED CONTRACT between the authority and its clients: what goes over port 8443, as JSON. Unknown members are ignored, so that a newer
 * authority can add some. Times are RFC 3339, lifetimes whole seconds, serials lower-case hex, sequences decimal text (they exceed 2^53).
 */

const decimal = z.string().regex(/^[0-9]{1,20}$/);
const base64 = z.base64();

/** Largest bodies and fields either side accepts, in bytes. */
export const limits = {
  body: 64 * 1024,
  csr: 8 * 1024,
  token: 16 * 1024,
  eventsPerBatch: 64,
  keysPerDirectoryRequest: 100,
} as const;

/** `POST /v1/svid/x509`, bearer: the pod's projected token; a renewal also shows the current SVID by mTLS. `csr`: PKCS#10 DER. */
export const x509Request = z.object({ csr: base64, ttlSeconds: z.int().positive().optional() });

/** SPIFFE bundle documents (JWK sets) by trust domain name. */
export const bundleMap = z.record(z.string(), z.unknown());

/** `chain`: DER certificates, leaf first. `sequence`: of our own domain's bundle. `ttlSeconds`: the lifetime granted, perhaps less than asked. */
export const x509Answer = z.object({
  spiffeId: z.string(),
  chain: z.array(base64).min(1).max(4),
  notAfter: z.iso.datetime(),
  ttlSeconds: z.int().positive(),
  entryId: z.uuid(),
  sequence: decimal,
  bundles: bundleMap,
});

/** One `reason` per distinct cause: the same word in log, metric, audit event and readiness page. */
export const refusal = z.object({
  reason: z.string(),
  message: z.string(),
  retryAfterSeconds: z.number().nonnegative().optional(),
  traceId: z.string(),
});

/** The namespace's mode, pushed with the policy. */
export const accessMode = z.enum(['enforce', 'warn', 'audit']);

/** Who may call: a trust domain and, unless `path` is null, a pattern over whole path segments (`*` is one, a last `**` one or more). */
export const compiledPeer = z.object({ trustDomain: z.string(), path: z.array(z.string()).nullable() });

/** One opened door: `ports` are target ports, null for every one. `external`: also callers without any SVID from outside the mesh. */
export const compiledRule = z.object({
  policy: z.string(),
  ports: z.array(z.int()).nullable(),
  peers: z.array(compiledPeer),
  external: z.boolean(),
});

/** Everything the sidecar of one pod needs to judge a caller. No rules: everything is denied (in `enforce`). */
export const compiledAccess = z.object({ mode: accessMode, rules: z.array(compiledRule) });

/** An address that may answer for a destination, and the SPIFFE IDs it must prove one of. `ours`: it speaks `sallyport/1`. */
export const endpoint = z.object({
  address: z.string(),
  port: z.int().min(1).max(65_535),
  ids: z.array(z.string()),
  ours: z.boolean(),
  plaintext: z.boolean(),
  ready: z.boolean(),
  zone: z.string().optional(),
  node: z.string().optional(),
});

/** Who is behind a key, which is `<service>.<namespace>.svc:<port>` or `ip:port`. An update replaces the whole entry. */
export const destination = z.object({
  key: z.string(),
  generation: z.int(),
  kind: z.enum(['mesh', 'outside', 'unknown']),
  endpoints: z.array(endpoint),
});

/** One line of `GET /v1/stream` (NDJSON without end). `hello` is the first; POSTs about the stream go to `address`. */
export const streamMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), stream: z.string(), address: z.string() }),
  z.object({ type: z.literal('bundles'), sequence: decimal, bundles: bundleMap }),
  z.object({ type: z.literal('policy'), generation: z.int(), access: compiledAccess, networkPolicySeen: z.boolean() }),
  z.object({ type: z.literal('destination'), destination }),
  z.object({ type: z.literal('renew'), splaySeconds: z.number().nonnegative(), reason: z.string() }),
  z.object({ type: z.literal('heartbeat') }),
]);

/** `POST /v1/ack`: what the sidecar has loaded into its TLS contexts. `clock`: its wall time. */
export const acknowledgement = z.object({
  stream: z.string(),
  sequence: decimal,
  policyGeneration: z.int(),
  serial: z.string(),
  clock: z.iso.datetime(),
});

/** `POST /v1/directory`: destination keys to follow or forget; answers arrive on the stream. */
export const directoryRequest = z.object({
  stream: z.string(),
  subscribe: z.array(z.string().max(512)).max(limits.keysPerDirectoryRequest),
  drop: z.array(z.string().max(512)).max(limits.keysPerDirectoryRequest),
});

/** `POST /v1/events`: audit events of a sidecar, each judged by `audit/event.ts` on arrival. */
export const eventBatch = z.object({ events: z.array(z.unknown()).min(1).max(limits.eventsPerBatch) });

export type X509Request = z.infer<typeof x509Request>;
export type X509Answer = z.infer<typeof x509Answer>;
export type Refusal = z.infer<typeof refusal>;
export type AccessMode = z.infer<typeof accessMode>;
export type CompiledPeer = z.infer<typeof compiledPeer>;
export type CompiledRule = z.infer<typeof compiledRule>;
export type CompiledAccess = z.infer<typeof compiledAccess>;
export type Endpoint = z.infer<typeof endpoint>;
export type Destination = z.infer<typeof destination>;
export type StreamMessage = z.infer<typeof streamMessage>;
export type Acknowledgement = z.infer<typeof acknowledgement>;
export type DirectoryRequest = z.infer<typeof directoryRequest>;
