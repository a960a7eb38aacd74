import { minimalContainer, tweaked } from '../../test/builders/judgement.ts';
import type { PodAllowCase, PodDenyCase, PodRuleCases } from '../../test/builders/rule-cases.ts';
import { credentialInEnv } from './credential-in-env.ts';

const reference = { valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } };

function containerWith(...env: readonly { readonly name: string; readonly value?: string }[]) {
  return tweaked(minimalContainer, { env });
}

function passes(name: string, variable: string, value: string): PodAllowCase {
  return { name, container: containerWith({ name: variable, value }) };
}

function refuses(name: string, variable: string, value: string, found: string, detector = 'key-name'): PodDenyCase {
  return {
    name,
    container: containerWith({ name: variable, value }),
    findings: [{ path: '/env/0/value', subject: `{container}, env ${variable}`, found, detector }],
    fixed: tweaked(minimalContainer, { env: [{ name: variable, ...reference }] }),
  };
}

function warns(name: string, variable: string, value: string, found: string): PodDenyCase {
  return {
    name,
    container: containerWith({ name: variable, value }),
    findings: [
      { path: '/env/0/value', subject: `{container}, env ${variable}`, found, detector: 'key-name', cap: 'warn' },
    ],
    fixed: tweaked(minimalContainer, { env: [{ name: variable, ...reference }] }),
  };
}

export const credentialInEnvCases: PodRuleCases = {
  rule: credentialInEnv,
  allow: [
    {
      name: 'a reference to a Secret',
      container: tweaked(minimalContainer, { env: [{ name: 'DB_PASSWORD', ...reference }] }),
    },
    passes('AR-36 an empty value', 'DB_PASSWORD', ''),
    {
      name: 'AR-36 an empty value beside a reference',
      container: tweaked(minimalContainer, { env: [{ name: 'DB_PASSWORD', value: '', ...reference }] }),
    },
    passes('a file that holds the password', 'DB_PASSWORD_FILE', '/run/secrets/password'),
    passes('a path under a credential name', 'TOKEN', '/var/run/secrets/sallyport/token'),
    passes('a reference to a variable from a Secret', 'DATABASE_URL', 'postgres://web:$(DB_PASSWORD)@db:5432/web'),
    passes('a policy about tokens', 'JWT_POLICY', 'third-party-jwt'),
    passes('a lifetime', 'TOKEN_TTL', '3600'),
    passes('an address without a login', 'MONGO_URL', 'mongodb://mongodb:27017/test'),
    passes('a template that somebody else renders', 'API_TOKEN', '{{ .Values.token }}'),
    passes('a switch', 'ALLOW_EMPTY_PASSWORD', 'yes'),
    {
      name: 'the name of a Secret of the namespace',
      container: containerWith({ name: 'TLS_SECRET', value: 'web-tls' }),
      facts: { referableNames: new Set(['web-tls']) },
    },
    {
      name: 'a password composed of a reference',
      container: tweaked(minimalContainer, {
        env: [
          { name: 'PART', ...reference },
          { name: 'DB_PASSWORD', value: '$(PART)' },
        ],
      }),
    },
  ],
  deny: [
    refuses('a literal password', 'DB_PASSWORD', 'correct-horse', 'a literal password'),
    refuses(
      'a long literal, and says how long',
      'API_TOKEN',
      'dGhpcyBpcyBub3QgcmVhbA==',
      'a literal token of 24 characters',
    ),
    refuses('a numeric password', 'MYSQL_ROOT_PASSWORD', '12345678', 'a literal password'),
    refuses('a default that works', 'GF_SECURITY_ADMIN_PASSWORD', 'admin', 'a literal password'),
    refuses('a name in camel case', 'dbPassword', 'correct-horse', 'a literal password'),
    refuses(
      'a default inside a placeholder',
      'DB_PASSWORD',
      '${PASSWORD:-correct-horse}',
      'a literal password of 26 characters',
    ),
    refuses('an escaped reference, which is a literal', 'DB_PASSWORD', '$$(PASSWORD)', 'a literal password'),
    refuses(
      'a connection string under any name',
      'UPSTREAM',
      'postgres://web:correct-horse@db:5432/web',
      'a connection string with a literal password',
      'K10',
    ),
    refuses(
      'a connection string under base64',
      'UPSTREAM',
      Buffer.from('postgres://web:correct-horse@db:5432/web').toString('base64'),
      'a connection string with a literal password under base64',
      'K10',
    ),
    refuses(
      'a private key',
      'SIGNER',
      ['-----BEGIN PRIVATE KEY-----', 'bm90IGEga2V5', '-----END PRIVATE KEY-----'].join('\n'),
      'a private key',
      'K6',
    ),
    refuses(
      'an authorization header',
      'HEADERS',
      'authorization=Bearer abc123def',
      'a literal Authorization value',
      'authorization',
    ),
    {
      name: 'a password composed of another literal',
      container: containerWith({ name: 'PART', value: 'correct-horse' }, { name: 'DB_PASSWORD', value: '$(PART)' }),
      findings: [
        {
          path: '/env/1/value',
          subject: '{container}, env DB_PASSWORD',
          found: 'a literal password',
          detector: 'key-name',
        },
      ],
      fixed: tweaked(minimalContainer, {
        env: [
          { name: 'PART', ...reference },
          { name: 'DB_PASSWORD', value: '$(PART)' },
        ],
      }),
    },
    {
      name: 'a name with an invisible character in it',
      container: containerWith({ name: 'DB_PASS\u200bWORD', value: 'correct-horse' }),
      findings: [
        {
          path: '/env/0/value',
          subject: '{container}, env DB_PASS?WORD',
          found: 'a literal password',
          detector: 'key-name',
        },
      ],
      fixed: tweaked(minimalContainer, { env: [{ name: 'DB_PASSWORD', ...reference }] }),
    },
    {
      name: 'a name with a look-alike letter in it',
      container: containerWith({ name: 'DB_P\u0430SSWORD', value: 'correct-horse' }),
      findings: [
        {
          path: '/env/0/value',
          subject: '{container}, env DB_P?SSWORD',
          found: 'a literal credential',
          detector: 'key-name',
        },
      ],
      fixed: tweaked(minimalContainer, { env: [{ name: 'DB_PASSWORD', ...reference }] }),
    },
    warns('a placeholder that nobody filled in', 'API_TOKEN', 'REPLACE_ME', 'a token that nobody has filled in'),
  ],
};
