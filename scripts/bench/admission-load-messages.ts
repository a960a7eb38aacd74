import { z } from 'zod';

/** What is sent in turn, and what must come back. `patch` absent: none may come. `says`: words the denial must hold. */
export const admissionLoad = z.object({
  port: z.number(),
  ca: z.string(),
  servername: z.string(),
  connections: z.number(),
  milliseconds: z.number(),
  reviews: z.array(
    z.object({
      path: z.string(),
      body: z.string(),
      uid: z.string(),
      allowed: z.boolean(),
      patch: z.string().optional(),
      says: z.array(z.string()),
    }),
  ),
});

/** What came of it. Times in milliseconds; `wrong` counts replies that were not as expected. */
export const admissionLoadResult = z.object({
  count: z.number(),
  wrong: z.number(),
  firstWrong: z.string().optional(),
  elapsedMs: z.number(),
  p50: z.number(),
  p99: z.number(),
});

export type AdmissionLoad = z.output<typeof admissionLoad>;
export type AdmissionLoadResult = z.output<typeof admissionLoadResult>;
