import {
  account,
  alice,
  base64,
  creates,
  minimalPod,
  minimalSecret,
  tweaked,
  updates,
} from '../../test/builders/judgement.ts';
import type { ObjectRuleCases } from '../../test/builders/rule-cases.ts';
import { legacyTokenSecret } from './legacy-token-secret.ts';

const type = 'kubernetes.io/service-account-token';
const metadata = {
  name: 'web-token',
  namespace: 'payments',
  annotations: { 'kubernetes.io/service-account.name': 'web' },
};
const asked = tweaked(minimalSecret, { metadata, type, data: undefined });
const filled = tweaked(asked, { data: { token: base64('header.claims.signature'), namespace: base64('payments') } });
const refilled = tweaked(filled, { data: { token: base64('header.other.signature') } });

/** What is wanted instead: the pod gets a token that is its own and ends with it. */
const projected = tweaked(minimalPod, {
  spec: {
    volumes: [
      {
        name: 'token',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', audience: 'https://vault.example', expirationSeconds: 600 } },
          ],
        },
      },
    ],
  },
});

const created = {
  path: '/type',
  subject: `type ${type}`,
  found: 'a long-lived service-account token',
  detector: 'K1',
};
const changed = {
  ...created,
  path: '/data',
  found: 'the data of a long-lived service-account token, changed by hand',
};

export const legacyTokenSecretCases: ObjectRuleCases = {
  rule: legacyTokenSecret,
  allow: [
    { name: 'a Secret of another type', request: creates(minimalSecret) },
    {
      name: 'the token controller that fills it',
      request: updates(asked, filled, { requester: account('kube-system', 'tokens-controller') }),
    },
    {
      name: 'the controller manager where controllers share its credentials',
      request: updates(asked, filled, { requester: { ...alice, username: 'system:kube-controller-manager' } }),
    },
    {
      name: 'the note of when the token was last used',
      request: updates(
        filled,
        tweaked(filled, { metadata: { labels: { 'kubernetes.io/legacy-token-last-used': '2027-01-01' } } }),
      ),
    },
    { name: 'its deletion', request: creates(filled, { operation: 'DELETE', object: null, oldObject: filled }) },
  ],
  deny: [
    {
      name: 'a Secret that asks for a token',
      request: creates(asked),
      findings: [created],
      fixed: creates(projected),
    },
    {
      name: 'one named by the API server',
      request: creates(tweaked(asked, { metadata: { name: undefined, generateName: 'web-' } })),
      findings: [created],
      fixed: creates(minimalSecret),
    },
    { name: 'one that brings its data', request: creates(filled), findings: [created], fixed: creates(minimalSecret) },
    {
      name: 'one in kube-system, by a controller account that is not the token controller',
      request: creates(tweaked(asked, { metadata: { namespace: 'kube-system' } }), {
        requester: account('kube-system', 'deployment-controller'),
      }),
      findings: [created],
      fixed: creates(minimalSecret),
    },
    {
      name: 'a token put into it by hand',
      request: updates(filled, refilled),
      findings: [changed],
      fixed: updates(filled, filled),
    },
    {
      name: 'a token put into it by hand as stringData',
      request: updates(filled, tweaked(filled, { stringData: { token: 'header.other.signature' } })),
      findings: [changed],
      fixed: updates(filled, filled),
    },
  ],
};
