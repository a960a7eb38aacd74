import { z } from 'zod';

/** What the proxy under measurement is made of; it answers with its port. */
export const proxyOrder = z.object({
  trustDomain: z.string(),
  appPort: z.int(),
  anchorPem: z.string(),
  certPem: z.string(),
  keyPem: z.string(),
});

/** `small`: one message after the other on each connection. `up`, `down`: one stream after the other. `handshakes`: one short connection after the other. */
export const loadKinds = ['small', 'up', 'down', 'handshakes'] as const;
export type LoadKind = (typeof loadKinds)[number];

/** One round. `port` 0 asks for the backend's own port, and nothing else. */
export const loadOrder = z.object({
  kind: z.enum(loadKinds),
  port: z.int(),
  proxyPid: z.int(),
  connections: z.int().positive(),
  milliseconds: z.number().positive(),
  certPem: z.string(),
  keyPem: z.string(),
  caPem: z.string(),
});
export type LoadOrder = z.infer<typeof loadOrder>;

/** `units`: messages, MiB or connections. `faults`: what was lost, changed or not half-closed; one makes the round void. */
export const loadResult = z.object({
  units: z.number(),
  elapsedMs: z.number(),
  /** Of the proxy during the round, where the system tells. */
  cpuSeconds: z.number().nullable(),
  faults: z.array(z.string()),
  backendPort: z.int(),
});
export type LoadResult = z.infer<typeof loadResult>;
