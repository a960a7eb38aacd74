import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeCluster, startApiServer } from '../fakes/api-server/api-server.ts';
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectAt,
  parseJson,
  requireJson,
  textAt,
} from '../fakes/api-server/json.ts';
import { outsideData } from './outside-data.ts';

/*
 * Tokens, reviews of tokens and the issuer's documents of a real API server, and ours: the same members, and the same texts where they are fixed.
 */

const recorded = outsideData('kubernetes');
const admin = { username: 'admin', groups: ['system:masters'] };
const pods = '/api/v1/namespaces/probe/pods';

const theirs = (file: string): JsonObject => objectAt({ parsed: parseJson(recorded.read(file)) }, 'parsed');

/** Members and the kinds of their values. */
function shapeOf(value: Json | undefined): Json {
  if (isList(value)) {
    return value.map(shapeOf);
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([member, below]) => [member, shapeOf(below)]))
    : typeof value;
}

describe.skipIf(recorded.isAbsent)('tokens, as the real API server makes and judges them', () => {
  let cluster: FakeCluster;
  let pod: JsonObject;

  beforeAll(async () => {
    cluster = await startApiServer();
    await cluster.apply(`
{ apiVersion: v1, kind: Namespace, metadata: { name: probe } }
---
{ apiVersion: v1, kind: ServiceAccount, metadata: { name: app, namespace: probe } }
`);
    pod = await createPod('web', [{ name: 'wait' }]);
  });

  afterAll(() => cluster.stop());

  const createPod = (name: string, schedulingGates: readonly JsonObject[]): Promise<JsonObject> => {
    const spec = { serviceAccountName: 'app', schedulingGates, containers: [{ name: 'app', image: 'a:1' }] };
    return cluster.as(admin).create(pods, { metadata: { name }, spec });
  };

  async function request(bound: JsonObject): Promise<JsonObject> {
    const boundObjectRef = {
      kind: 'Pod',
      apiVersion: 'v1',
      name: textAt(bound, 'metadata', 'name'),
      uid: textAt(bound, 'metadata', 'uid'),
    };
    const path = '/api/v1/namespaces/probe/serviceaccounts/app/token';
    return cluster
      .as(admin)
      .create(path, { spec: { audiences: ['sallyport'], expirationSeconds: 600, boundObjectRef } });
  }

  async function review(bound: JsonObject, audience: string): Promise<JsonObject> {
    const token = textAt(await request(bound), 'status', 'token');
    return reviewToken(token, audience);
  }

  const reviewToken = (token: string, audience: string): Promise<JsonObject> =>
    cluster.as(admin).create('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, audiences: [audience] } });

  test('a TokenRequest is answered', async () => {
    expect(shapeOf(await request(pod))).toEqual(shapeOf(theirs('tokenrequest-pod-bound.json')));
  });

  test('a token of a pod that no node has', async () => {
    const token = textAt(await request(pod), 'status', 'token');
    const ours = { header: requireJson(decodeProtectedHeader(token)), claims: requireJson(decodeJwt(token)) };
    expect(shapeOf(ours)).toEqual(shapeOf(theirs('token-claims-pod-bound.json')));
    expect(textAt(ours, 'claims', 'iss')).toBe(textAt(theirs('token-claims-pod-bound.json'), 'claims', 'iss'));
    expect(textAt(ours, 'claims', 'sub')).toBe(textAt(theirs('token-claims-pod-bound.json'), 'claims', 'sub'));
  });

  test('a token of a pod on a node', async () => {
    const bound = await createPod('bound', []);
    await cluster.settled();
    const claims = requireJson(decodeJwt(textAt(await request(bound), 'status', 'token')));
    expect(shapeOf(claims)).toEqual(shapeOf(theirs('token-claims-kubelet-projected.json')));
  });

  test('a good token is reviewed', async () => {
    const ours = await review(pod, 'sallyport');
    expect(shapeOf(ours['status'])).toEqual(shapeOf(theirs('tokenreview-answer.json')['status']));
  });

  test('a token for another audience is reviewed, in the same words', async () => {
    expect((await review(pod, 'other'))['status']).toEqual(theirs('tokenreview-wrong-audience.json')['status']);
  });

  test('a token whose pod is gone is reviewed, in the same words', async () => {
    const gone = await createPod('gone', [{ name: 'wait' }]);
    const token = textAt(await request(gone), 'status', 'token');
    await cluster.as(admin).remove(`${pods}/gone`);
    expect((await reviewToken(token, 'sallyport'))['status']).toEqual(theirs('tokenreview-pod-deleted.json')['status']);
  });

  test('the issuer publishes its keys and itself', async () => {
    expect(shapeOf(await cluster.as(admin).get('/openid/v1/jwks'))).toEqual(shapeOf(theirs('jwks.json')));
    const ours = await cluster.as(admin).get('/.well-known/openid-configuration');
    expect(shapeOf(ours)).toEqual(shapeOf(theirs('openid-configuration.json')));
  });

  test('every group version of ours is one of theirs', async () => {
    const groups = await cluster.as(admin).get('/apis');
    const versions = JSON.stringify(groups).match(/(?<="groupVersion":")[^"]+/g) ?? [];
    const known = recorded.read('api-versions.txt').split('\n');
    // The recording was made with an earlier version of our own group.
    const foreign = [...new Set(versions)].filter((version) => !version.startsWith('sallyport.dev/'));
    expect(foreign.filter((version) => !known.includes(version))).toEqual([]);
  });
});
