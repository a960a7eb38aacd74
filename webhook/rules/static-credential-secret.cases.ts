import { base64, creates, minimalSecret, tweaked, updates } from '../../test/builders/judgement.ts';
import type { ObjectAllowCase, ObjectDenyCase, ObjectRuleCases } from '../../test/builders/rule-cases.ts';
import { staticCredentialSecret } from './static-credential-secret.ts';

const key = ['-----BEGIN PRIVATE KEY-----', 'bm90IGEga2V5', '-----END PRIVATE KEY-----', ''].join('\n');
const certificate = ['-----BEGIN CERTIFICATE-----', 'bm90IGEgY2VydGlmaWNhdGU=', '-----END CERTIFICATE-----', ''].join(
  '\n',
);
const withPassword = tweaked(minimalSecret, { data: { password: base64('correct-horse') } });

/** What is wanted instead: a manager keeps the credential and brings it. */
const external = creates({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  metadata: { name: 'web', namespace: 'payments' },
  spec: {
    secretStoreRef: { kind: 'SecretStore', name: 'vault' },
    data: [{ secretKey: 'password', remoteRef: { key: 'payments/web', property: 'password' } }],
  },
});

function passes(name: string, dataKey: string, value: string): ObjectAllowCase {
  return { name, request: creates(tweaked(minimalSecret, { data: { [dataKey]: base64(value) } })) };
}

function refuses(name: string, dataKey: string, value: string, found: string, detector = 'key-name'): ObjectDenyCase {
  return {
    name,
    request: creates(tweaked(minimalSecret, { data: { [dataKey]: base64(value) } })),
    findings: [{ path: `/data/${dataKey}`, subject: `key ${dataKey}`, found, detector }],
    fixed: external,
  };
}

function warns(name: string, dataKey: string, value: string, found: string, detector = 'key-name'): ObjectDenyCase {
  const denied = refuses(name, dataKey, value, found, detector);
  return { ...denied, findings: denied.findings.map((finding) => ({ ...finding, cap: 'warn' })) };
}

export const staticCredentialSecretCases: ObjectRuleCases = {
  rule: staticCredentialSecret,
  allow: [
    {
      name: 'a Secret without data, which a controller will fill',
      request: creates(tweaked(minimalSecret, { data: undefined })),
    },
    passes('an empty password', 'password', ''),
    passes('a CA bundle', 'ca-bundle.crt', certificate),
    passes(
      'public SSH hosts',
      'known_hosts',
      'github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
    ),
    passes(
      'a configuration without a credential',
      'alertmanager.yaml',
      'route:\n  receiver: team\nreceivers:\n  - name: team\n',
    ),
    passes('the id of a tunnel', 'tunnel-id', 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415'),
    passes('a reference to Vault', 'password', 'vault:secret/data/web#password'),
    {
      name: 'a key that this write does not change',
      request: updates(
        withPassword,
        tweaked(withPassword, { metadata: { labels: { team: 'web' } }, data: { username: base64('other') } }),
      ),
    },
    {
      name: 'the login of a registry, which is another rule',
      request: creates(
        tweaked(minimalSecret, {
          type: 'kubernetes.io/dockerconfigjson',
          data: {
            username: undefined,
            '.dockerconfigjson': base64('{"auths":{"registry.example":{"auth":"d2ViOng="}}}'),
          },
        }),
      ),
    },
    {
      name: 'data that stringData overwrites',
      request: creates(
        tweaked(minimalSecret, { data: { password: base64('correct-horse') }, stringData: { password: '' } }),
      ),
    },
  ],
  deny: [
    refuses('a password', 'password', 'correct-horse', 'a literal password'),
    refuses(
      'a database password with its length',
      'DB_PASSWORD',
      'correct horse battery staple',
      'a literal password of 28 characters',
    ),
    refuses('a default that works', 'admin-password', 'changeme', 'a literal password'),
    refuses('a private key', 'signer.pem', key, 'a private key', 'K6'),
    refuses('a private key beside a certificate of somebody else', 'tls.key', key, 'a private key', 'K6'),
    refuses('an SSH key by its name', 'id_ed25519', 'whatever it holds', 'an SSH private key', 'K4'),
    refuses(
      'a connection string',
      'url',
      'mysql://web:correct-horse@db/web',
      'a connection string with a literal password',
      'K10',
    ),
    refuses(
      'a password under base64 of base64',
      'settings',
      base64('postgres://web:correct-horse@db/web'),
      'a connection string with a literal password under base64',
      'K10',
    ),
    refuses('bytes that are no text', 'token', '\u0001\u0002binary', 'a literal token'),
    {
      name: 'the password of a basic-auth Secret',
      request: creates(tweaked(minimalSecret, { type: 'kubernetes.io/basic-auth', data: { password: base64('x') } })),
      findings: [
        {
          path: '/data/password',
          subject: 'key password',
          found: 'the password of a basic-auth Secret',
          detector: 'K3',
        },
      ],
      fixed: creates(minimalSecret),
    },
    {
      name: 'stringData, which wins over data',
      request: creates(tweaked(minimalSecret, { data: { password: '' }, stringData: { password: 'correct-horse' } })),
      findings: [
        { path: '/stringData/password', subject: 'key password', found: 'a literal password', detector: 'key-name' },
      ],
      fixed: creates(minimalSecret),
    },
    {
      name: 'AR-34 data that is not base64',
      request: creates(tweaked(minimalSecret, { data: { blob: 'not base64!' } })),
      findings: [{ path: '/data/blob', subject: 'key blob', found: 'not valid base64', detector: 'undecidable' }],
      fixed: creates(minimalSecret),
    },
    {
      name: 'a key that this write changes',
      request: updates(minimalSecret, withPassword),
      findings: [
        { path: '/data/password', subject: 'key password', found: 'a literal password', detector: 'key-name' },
      ],
      fixed: updates(minimalSecret, minimalSecret),
    },
    {
      name: 'another key in a Secret whose type has a rule of its own',
      request: creates(
        tweaked(withPassword, {
          type: 'kubernetes.io/dockerconfigjson',
          data: { '.dockerconfigjson': base64('{"auths":{}}') },
        }),
      ),
      findings: [
        { path: '/data/password', subject: 'key password', found: 'a literal password', detector: 'key-name' },
      ],
      fixed: creates(minimalSecret),
    },
    {
      name: 'more text than can be judged',
      request: creates(tweaked(minimalSecret, { data: { blob: base64('a '.repeat(600_000)) } })),
      findings: [
        {
          path: '/data',
          subject: 'the Secret',
          found: 'more text than can be judged (1 MiB)',
          detector: 'undecidable',
        },
      ],
      fixed: creates(minimalSecret),
    },
    {
      name: 'the old password in the copy that kubectl apply keeps, with a warning',
      request: creates(
        tweaked(minimalSecret, {
          metadata: {
            annotations: {
              'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(withPassword),
            },
          },
        }),
      ),
      findings: [
        {
          path: '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
          subject: 'annotation kubectl.kubernetes.io/last-applied-configuration, key password',
          found: 'a literal password',
          detector: 'key-name',
          cap: 'warn',
        },
      ],
      fixed: creates(minimalSecret),
    },
    warns(
      'the hash of a password',
      'htpasswd',
      'web:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC',
      'the hash of a credential',
    ),
    warns('a placeholder that nobody filled in', 'password', 'REPLACE_ME', 'a password that nobody has filled in'),
    warns(
      'random characters under any name',
      'value',
      'h8Kq2LpX9vRt4WzYb7Nc3MdF',
      'a value of 24 random characters',
      'randomness',
    ),
    warns(
      'an encrypted private key',
      'signer.pem',
      key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'),
      'an encrypted private key',
      'K6',
    ),
  ],
};
