import { describe, expect, it } from 'vitest';
import {
  alice,
  base64,
  creates,
  everyKindOf,
  minimalPod,
  minimalSecret,
  ruleContext,
  tweaked,
  updates,
} from '../../test/builders/judgement.ts';
import { credentialInEnv } from '../rules/credential-in-env.ts';
import { staticCredentialSecret } from '../rules/static-credential-secret.ts';
import { visitContainers } from './containers.ts';
import { findingsOf } from './evaluate.ts';
import { isMirrorPod, podSubjectOf } from './pod-template.ts';

const leaky = tweaked(minimalPod, {
  spec: { containers: [{ name: 'web', env: [{ name: 'DB_PASSWORD', value: 'correct-horse' }] }] },
});
const kubelet = { ...alice, username: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] };
const mirror = tweaked(leaky, {
  metadata: { annotations: { 'kubernetes.io/config.mirror': 'digest' } },
  spec: { nodeName: 'node-1' },
});

describe('the pod of a request', () => {
  it.each(everyKindOf(minimalPod).map(({ object, base }) => ({ kind: object['kind'], object, base })))(
    'of a $kind stands at "$base"',
    ({ object, base }) => {
      const subject = podSubjectOf(creates(object));
      expect(subject?.base).toBe(base);
      expect(subject?.isTemplate).toBe(base !== '');
      expect(subject?.pod['spec']).toEqual(minimalPod['spec']);
    },
  );

  it('AR-24 is the whole pod for ephemeral containers and resize, and none for other subresources', () => {
    const subjectOf = (subResource: string) => podSubjectOf(updates(minimalPod, leaky, { subResource }))?.pod;
    expect(['ephemeralcontainers', 'resize'].map(subjectOf)).toEqual([leaky, leaky]);
    expect(['status', 'eviction', 'binding'].map(subjectOf)).toEqual([undefined, undefined, undefined]);
  });

  it('AR-21 is none on DELETE', () => {
    expect(
      podSubjectOf(creates(minimalPod, { operation: 'DELETE', object: null, oldObject: minimalPod })),
    ).toBeUndefined();
  });

  it('has its old self beside it on UPDATE', () => {
    expect(podSubjectOf(updates(minimalPod, leaky))?.oldPod).toEqual(minimalPod);
  });
});

describe('a mirror pod', () => {
  it('AR-26 is marked and written by the node it names, and never judged', () => {
    const request = creates(mirror, { requester: kubelet });
    expect(isMirrorPod(request)).toBe(true);
    expect(findingsOf(credentialInEnv, request, ruleContext())).toEqual([]);
  });

  it.each([
    ['the mark of somebody else', mirror, alice],
    ['another node', tweaked(mirror, { spec: { nodeName: 'node-2' } }), kubelet],
    ['a node without the mark', tweaked(mirror, { metadata: { annotations: undefined } }), kubelet],
    ['a pod that names no node', tweaked(mirror, { spec: { nodeName: '' } }), { ...kubelet, username: 'system:node:' }],
  ])('AR-26 is not %s', (_, object, requester) => {
    const request = creates(object, { requester });
    expect(isMirrorPod(request)).toBe(false);
    expect(findingsOf(credentialInEnv, request, ruleContext())).toHaveLength(1);
  });
});

describe('the visitor of containers', () => {
  it('walks init, regular and ephemeral ones, and calls each what it is', () => {
    const pod = {
      spec: {
        ephemeralContainers: [{ name: 'c' }],
        containers: [{ name: 'b' }, 'no container'],
        initContainers: [{ name: 'a' }],
      },
    };
    expect(visitContainers(pod, '/x').map(({ label, path }) => [label, path])).toEqual([
      ['init container "a"', '/x/spec/initContainers/0'],
      ['container "b"', '/x/spec/containers/0'],
      ['ephemeral container "c"', '/x/spec/ephemeralContainers/0'],
    ]);
  });

  it('never prints a name that may be more than a name', () => {
    const labels = ['a'.repeat(65), 'x\u001b[31m\u0430'].map(
      (name) => visitContainers({ spec: { containers: [{ name }] } }, '')[0]?.label,
    );
    expect(labels).toEqual(['container (a name of 65 characters)', 'container "x?[31m?"']);
  });
});

describe('the copy that kubectl apply keeps', () => {
  const key = 'kubectl.kubernetes.io/last-applied-configuration';
  const secret = tweaked(minimalSecret, { data: { password: base64('correct-horse') } });
  const applied = (text: string) => tweaked(minimalSecret, { metadata: { annotations: { [key]: text } } });

  it('is not told twice when the object itself says it', () => {
    const both = tweaked(secret, { metadata: { annotations: { [key]: JSON.stringify(secret) } } });
    expect(findingsOf(staticCredentialSecret, creates(both), ruleContext()).map(({ path }) => path)).toEqual([
      '/data/password',
    ]);
  });

  it('is not judged again when it was there before', () => {
    const old = applied(JSON.stringify(secret));
    expect(
      findingsOf(
        staticCredentialSecret,
        updates(old, tweaked(old, { metadata: { labels: { a: 'b' } } })),
        ruleContext(),
      ),
    ).toEqual([]);
  });

  it.each(['', 'no json', '[]', 'null', '{"data":', `${'['.repeat(50_000)}`])(
    'passes when it is no object: %j',
    (text) => {
      expect(findingsOf(staticCredentialSecret, creates(applied(text)), ruleContext())).toEqual([]);
    },
  );
});
