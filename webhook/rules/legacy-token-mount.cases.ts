import { minimalContainer, minimalPod, tweaked } from '../../test/builders/judgement.ts';
import type { PodRuleCases } from '../../test/builders/rule-cases.ts';
import { legacyTokenMount } from './legacy-token-mount.ts';

const facts = {
  secretTypes: new Map([
    ['web-token', 'kubernetes.io/service-account-token'],
    ['web-config', 'Opaque'],
  ]),
};
const found = 'takes the long-lived service-account token in Secret "web-token"';
const projection = {
  serviceAccountToken: { path: 'token', audience: 'https://vault.example', expirationSeconds: 600 },
};
const fixed = tweaked(minimalPod, { spec: { volumes: [{ name: 'token', projected: { sources: [projection] } }] } });

export const legacyTokenMountCases: PodRuleCases = {
  rule: legacyTokenMount,
  allow: [
    { name: 'a projected token', facts, pod: fixed },
    {
      name: 'a Secret of another type',
      facts,
      pod: tweaked(minimalPod, { spec: { volumes: [{ name: 'config', secret: { secretName: 'web-config' } }] } }),
    },
    {
      name: 'a Secret that nobody knows yet',
      facts,
      pod: tweaked(minimalPod, { spec: { volumes: [{ name: 'later', secret: { secretName: 'not-there' } }] } }),
    },
  ],
  deny: [
    {
      name: 'a secret volume',
      facts,
      pod: tweaked(minimalPod, { spec: { volumes: [{ name: 'token', secret: { secretName: 'web-token' } }] } }),
      findings: [{ path: '/spec/volumes/0/secret/secretName', subject: 'volume "token"', found, detector: 'K1' }],
      fixed,
    },
    {
      name: 'an optional secret volume',
      facts,
      pod: tweaked(minimalPod, {
        spec: { volumes: [{ name: 'token', secret: { secretName: 'web-token', optional: true } }] },
      }),
      findings: [{ path: '/spec/volumes/0/secret/secretName', subject: 'volume "token"', found, detector: 'K1' }],
      fixed,
    },
    {
      name: 'a projected volume that picks one item of it',
      facts,
      pod: tweaked(minimalPod, {
        spec: {
          volumes: [
            {
              name: 'token',
              projected: {
                sources: [projection, { secret: { name: 'web-token', items: [{ key: 'token', path: 't' }] } }],
              },
            },
          ],
        },
      }),
      findings: [
        { path: '/spec/volumes/0/projected/sources/1/secret/name', subject: 'volume "token"', found, detector: 'K1' },
      ],
      fixed,
    },
    {
      name: 'a CSI driver that is handed it',
      facts,
      pod: tweaked(minimalPod, {
        spec: {
          volumes: [{ name: 'store', csi: { driver: 'csi.example', nodePublishSecretRef: { name: 'web-token' } } }],
        },
      }),
      findings: [
        { path: '/spec/volumes/0/csi/nodePublishSecretRef/name', subject: 'volume "store"', found, detector: 'K1' },
      ],
      fixed,
    },
    {
      name: 'a variable taken from it',
      facts,
      container: tweaked(minimalContainer, {
        env: [{ name: 'KUBE_TOKEN', valueFrom: { secretKeyRef: { name: 'web-token', key: 'token' } } }],
      }),
      findings: [
        { path: '/env/0/valueFrom/secretKeyRef/name', subject: '{container}, env KUBE_TOKEN', found, detector: 'K1' },
      ],
      fixed: minimalContainer,
    },
    {
      name: 'all variables taken from it',
      facts,
      container: tweaked(minimalContainer, {
        envFrom: [{ configMapRef: { name: 'web-config' } }, { secretRef: { name: 'web-token' } }],
      }),
      findings: [{ path: '/envFrom/1/secretRef/name', subject: '{container}, envFrom', found, detector: 'K1' }],
      fixed: minimalContainer,
    },
  ],
};
