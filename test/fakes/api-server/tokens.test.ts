import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { type ManualClock, manualClock } from '../../builders/manual-clock.ts';
import { type FakeCluster, startApiServer } from './api-server.ts';
import { type JsonObject, objectAt, requireJson, textAt, textsAt, valueAt } from './json.ts';

const admin = { username: 'admin', groups: ['system:masters'] };
const pods = '/api/v1/namespaces/team/pods';
const tokenPath = '/api/v1/namespaces/team/serviceaccounts/app/token';

let clock: ManualClock;
let cluster: FakeCluster;

beforeAll(async () => {
  clock = manualClock();
  cluster = await startApiServer({ clock });
  await cluster.apply(`
{ apiVersion: v1, kind: Namespace, metadata: { name: team } }
---
{ apiVersion: v1, kind: ServiceAccount, metadata: { name: app, namespace: team } }
`);
});

afterAll(() => cluster.stop());

const podOf = (name: string): JsonObject => ({
  metadata: { name },
  spec: { serviceAccountName: 'app', containers: [{ name: 'app', image: 'a:1' }] },
});

async function boundToken(pod: JsonObject, more: JsonObject = {}): Promise<string> {
  const boundObjectRef = {
    kind: 'Pod',
    apiVersion: 'v1',
    name: textAt(pod, 'metadata', 'name'),
    uid: textAt(pod, 'metadata', 'uid'),
  };
  const answer = await cluster
    .as(admin)
    .create(tokenPath, { spec: { audiences: ['ours'], expirationSeconds: 600, boundObjectRef, ...more } });
  return textAt(answer, 'status', 'token');
}

async function review(token: string, audiences: readonly string[] = ['ours']): Promise<JsonObject> {
  const answer = await cluster
    .as(admin)
    .create('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences } });
  return objectAt(answer, 'status');
}

describe('a token bound to a pod', () => {
  test('names account, pod and node with their uids, signed by a published key', async () => {
    const waiting = {
      ...podOf('unbound'),
      spec: { ...objectAt(podOf(''), 'spec'), schedulingGates: [{ name: 'wait' }] },
    };
    const early = decodeJwt(await boundToken(await cluster.as(admin).create(pods, waiting)));
    expect(valueAt(requireJson(early), 'kubernetes.io', 'node')).toBeUndefined();
    const made = await cluster.as(admin).create(pods, podOf('web'));
    await cluster.settled();
    const token = await boundToken(made);
    const claims = requireJson(decodeJwt(token));
    expect(claims).toMatchObject({
      aud: ['ours'],
      iss: 'https://kubernetes.default.svc.cluster.local',
      sub: 'system:serviceaccount:team:app',
      'kubernetes.io': {
        namespace: 'team',
        node: { name: 'node-1' },
        pod: { name: 'web', uid: textAt(made, 'metadata', 'uid') },
      },
    });
    const keys = await cluster.as(admin).get('/openid/v1/jwks');
    expect(JSON.stringify(keys)).toContain(decodeProtectedHeader(token).kid);
  });

  test('is reviewed as the real one is: good, for another audience, after its pod, after its time', async () => {
    const made = await cluster.as(admin).create(pods, podOf('reviewed'));
    await cluster.settled();
    const token = await boundToken(made);
    const good = await review(token, ['ours', 'theirs']);
    expect(good).toMatchObject({
      authenticated: true,
      audiences: ['ours'],
      user: { username: 'system:serviceaccount:team:app' },
    });
    expect(textsAt(good, 'user', 'groups')).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:team',
      'system:authenticated',
    ]);
    expect(valueAt(good, 'user', 'extra')).toMatchObject({
      'authentication.kubernetes.io/credential-id': [`JTI=${decodeJwt(token).jti}`],
      'authentication.kubernetes.io/pod-name': ['reviewed'],
      'authentication.kubernetes.io/pod-uid': [textAt(made, 'metadata', 'uid')],
      'authentication.kubernetes.io/node-name': ['node-1'],
    });
    expect(await review(token, ['other'])).toEqual({
      error: '[invalid bearer token, token audiences ["ours"] is invalid for the target audiences ["other"]]',
      user: {},
    });
    expect(await review('nonsense')).toEqual({ user: {} });
    await cluster.as(admin).remove(`${pods}/reviewed`, { gracePeriodSeconds: 0 });
    expect(await review(token)).toEqual({
      error: '[invalid bearer token, service account token has been invalidated]',
      user: {},
    });
  });

  test('does not survive a pod of the same name', async () => {
    const first = await cluster.as(admin).create(pods, podOf('twin'));
    const token = await boundToken(first);
    await cluster.as(admin).remove(`${pods}/twin`, { gracePeriodSeconds: 0 });
    await cluster.as(admin).create(pods, podOf('twin'));
    expect(textAt(await review(token), 'error')).toContain('does not match service account pod ref claim');
  });

  test('expires', async () => {
    const made = await cluster.as(admin).create(pods, podOf('old'));
    const token = await boundToken(made);
    await clock.advance(601_000);
    expect(await review(token)).toEqual({
      error: '[invalid bearer token, service account token has expired]',
      user: {},
    });
  });

  test("is not given for another account's pod, a pod of another uid, or for less than ten minutes", async () => {
    const other = await cluster
      .as(admin)
      .create(pods, { metadata: { name: 'other' }, spec: { containers: [{ name: 'app', image: 'a:1' }] } });
    const refusal = (error: unknown): unknown => error;
    expect(await boundToken(other).catch(refusal)).toMatchObject({ code: 400 });
    const made = await cluster.as(admin).create(pods, podOf('mine'));
    const boundObjectRef = { kind: 'Pod', name: 'mine', uid: 'another' };
    expect(await boundToken(made, { boundObjectRef }).catch(refusal)).toMatchObject({ code: 409 });
    expect(await boundToken(made, { expirationSeconds: 599 }).catch(refusal)).toMatchObject({
      code: 422,
      message: containing('may not specify a duration less than 10 minutes'),
    });
  });
});

test('a token for the API opens it as its account', async () => {
  const token = await cluster.issueToken({ namespace: 'team', serviceAccount: 'app', seconds: 60 });
  const api = clusterApi(cluster.tokenKubeConfig(token), { timeoutMs: 10_000 });
  const answer = requireJson(await api.create('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}));
  expect(textAt(answer, 'status', 'userInfo', 'username')).toBe('system:serviceaccount:team:app');
  const elsewhere = await cluster.issueToken({ namespace: 'team', serviceAccount: 'app', audiences: ['ours'] });
  const refused = clusterApi(cluster.tokenKubeConfig(elsewhere), { timeoutMs: 10_000 }).get('/api/v1/namespaces');
  await expect(refused).rejects.toMatchObject({ code: 'unauthorized' });
});

function containing(text: string): unknown {
  return expect.stringContaining(text);
}
