import { describe, expect, it } from 'vitest';
import { readValue } from './passing-value.ts';

function read(value: string, areDigitsSecret = true) {
  return readValue({ value, areDigitsSecret, referableNames: new Set(['web-tls']) });
}

function token(claims: object): string {
  return ['{"alg":"none"}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}

describe('a value under the name of a credential', () => {
  it.each([
    '',
    ' ',
    'true',
    'None',
    '30s',
    '1h30m',
    '123',
    '$(DB_PASSWORD)',
    '$(USER):$(PASSWORD)',
    '${DB_PASSWORD}',
    '${DB_PASSWORD:-}',
    '{{ .Values.password }}',
    '<Client Secret>',
    '%s',
    'INSERT_TOKEN_HERE',
    'DB_PASSWORD_VAL',
    'aaaaaaaa',
    '/var/run/secrets/token',
    '/token',
    '@/run/secrets/password',
    '@password.txt',
    'file:///run/secrets/password',
    'http://backend:8080',
    'vault:secret/data/web#password',
    'ref+vault://secret/web#/password',
    'op://vault/item/password',
    'arn:aws:secretsmanager:eu-west-1:1:secret:web',
    'projects/1/secrets/web/versions/1',
    'ENC[AES256_GCM,data:abc,iv:abc,type:str]',
    'web-tls',
    '{}',
    '{"auths":{}}',
  ])('%j passes', (value) => {
    expect(read(value)).toBe('pass');
  });

  it.each(['REPLACE_ME', 'replace-me', 'xxxx', '****', 'YOUR_API_KEY', 'your-token-here'])(
    '%j was not filled in',
    (value) => {
      expect(read(value)).toBe('placeholder');
    },
  );

  it.each(['password', 'admin', 'changeme', 'CHANGE_ME', 'root', 'minio123'])('%j is weak and works', (value) => {
    expect(read(value)).toBe('weak');
  });

  it.each(['$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT', 'web:$apr1$abc$defghijkl', '{SSHA}abcdefghijkl'])(
    '%j is a hash',
    (value) => {
      expect(read(value)).toBe('hash');
    },
  );

  it.each([
    'correct-horse',
    '12345678',
    '$$(PASSWORD)',
    'prefix$(PART)',
    '${PASSWORD:-correct-horse}',
    '{{ x }}correct',
    '/abcDEF123ghiJKL456mno',
    '/ab+cd==',
    '@dmin123',
    'vault:hunter2',
    'http://user:pw@host/',
    'a b c',
    'Truedat',
    '30s!',
  ])('%j is a literal', (value) => {
    expect(read(value)).toBe('literal');
  });

  it('is a literal number only where digits are secret', () => {
    expect([read('123456', false), read('123456'), read('123')]).toEqual(['pass', 'literal', 'pass']);
  });

  it('passes as a JSON Web Token that lives an hour at most', () => {
    expect(read(token({ iat: 1000, exp: 4600 }))).toBe('pass');
    expect(read(token({ iat: 1000, exp: 4601 }))).toBe('literal');
    expect(read(token({ exp: 4600 }))).toBe('literal');
    expect(read(token({ iat: 1000 }))).toBe('literal');
    expect(read(`${token({ iat: 1000, exp: 1000 }).slice(0, -1)}=`)).toBe('literal');
  });
});
