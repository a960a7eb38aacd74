import { beforeAll, describe, expect, it } from 'vitest';
import type { Secret } from '../../runtime/secret.ts';
import type { TokenReviewer } from '../attestation/ports.ts';

export interface ReviewScene {
  readonly reviewer: TokenReviewer;
  /** Of pod `web-1` of account `prod/web`, for this audience. */
  readonly token: Secret;
  readonly podUid: string;
  readonly audience: string;
  readonly strange: Secret;
}

/** What every reviewer says of a good token, of one for another audience, and of none at all. */
export function tokenReviewerContract(name: string, make: () => Promise<ReviewScene>): void {
  describe(name, () => {
    let scene: ReviewScene;
    beforeAll(async () => {
      scene = await make();
    });

    it('names account and pod of a good token, for the audience asked', async () => {
      const answer = await scene.reviewer.review(scene.token, scene.audience);
      expect(answer).toMatchObject({
        authenticated: true,
        audiences: [scene.audience],
        username: 'system:serviceaccount:prod:web',
      });
      expect(answer.extra['authentication.kubernetes.io/pod-uid']).toEqual([scene.podUid]);
      expect(answer.extra['authentication.kubernetes.io/pod-name']).toEqual(['web-1']);
    });

    it('does not authenticate for another audience, and says why', async () => {
      const answer = await scene.reviewer.review(scene.token, 'other');
      expect(answer).toMatchObject({ authenticated: false, audiences: [] });
      expect(answer.error).toMatch(/audiences/);
    });

    it('does not authenticate a strange token', async () => {
      expect(await scene.reviewer.review(scene.strange, scene.audience)).toMatchObject({
        authenticated: false,
        audiences: [],
      });
    });
  });
}
