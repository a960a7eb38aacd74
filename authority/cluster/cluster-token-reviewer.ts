import { z } from 'zod';
import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import type { TokenReviewer } from '../attestation/ports.ts';

const answer = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    error: z.string().optional(),
    audiences: z.array(z.string()).default([]),
    user: z
      .object({
        username: z.string().default(''),
        uid: z.string().optional(),
        extra: z.record(z.string(), z.array(z.string())).default({}),
      })
      .default({ username: '', extra: {} }),
  }),
});

/** Asks the API server by TokenReview. The time limit is the client's. */
export function clusterTokenReviewer(api: ClusterApi): TokenReviewer {
  return {
    async review(token, audience) {
      const review = await api.create('/apis/authentication.k8s.io/v1/tokenreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token: token.expose(), audiences: [audience] },
      });
      const read = answer.safeParse(review);
      if (!read.success) {
        throw new ClusterFailure('malformed', 'a TokenReview without status', 200);
      }
      const { authenticated, error, audiences, user } = read.data.status;
      const { username, uid, extra } = user;
      return {
        authenticated,
        audiences,
        username,
        extra,
        ...(error === undefined ? {} : { error }),
        ...(uid === undefined ? {} : { uid }),
      };
    },
  };
}
