import { describe, expect, it } from 'vitest';
import { readKeyName, wordsOf } from './key-name.ts';

const names = (text: string) => text.trim().split(/\s+/);

describe('the name of a key', () => {
  it.each(
    names(`
      password DB_PASSWORD dbPassword db-password spring.datasource.password PGPASSWORD MYSQL_PWD REDIS_PASS requirepass passphrase
      TOKEN GITHUB_TOKEN authToken token1 bearer CLIENT_SECRET clientSecret clientsecret secret SECRETS API_KEY apiKey APIKey apikey X_API_KEYS
      AWS_SECRET_ACCESS_KEY SECRET_KEY secretkey privateKey SIGNING_KEY ENCRYPTION_KEY STORAGE_ACCOUNT_KEY auth-header credentials kubeconfig
      \uff30\uff21\uff33\uff33\uff37\uff2f\uff32\uff24 pass\u200bword p\u00e4ssword
    `),
  )('%s is that of a credential', (name) => {
    expect(readKeyName(name).reading).toBe('credential');
  });

  it.each(
    names(`
      username USER HOST KEY AUTH CERT conn DATABASE_URL DSN CONNECTION_STRING passenger bypass PASS_THROUGH compass tokenizer secretary
      PASSWORD_FILE passwordPath SECRET_NAME secretNamespace TOKEN_URL token_ttl TOKEN_EXPIRY AWS_ACCESS_KEY_ID PASSWORD_POLICY PASSWORD_MIN_LENGTH
      passwordKey tokenKey existingSecret auth.existingSecret imagePullSecrets pull_secret initial-cluster-token secretRef JWT_POLICY AUTH_PROXY_IMAGE
      MAX_IDLE_CONNS BLOCKED_CIDRS_IN_JWKS_URIS authentication-policy token_header tunnel-id ca-bundle.crt dhparam.pem roles.yml
    `),
  )('%s is not', (name) => {
    expect(readKeyName(name).reading).toBe('plain');
  });

  it.each([
    ['ALLOW_EMPTY_PASSWORD', 'yes'],
    ['MAX_TOKENS', '4096'],
    ['use_token', 'true'],
    ['ENABLE_API_KEY', 'false'],
  ])('%s is a switch when its value is %s', (name, value) => {
    expect(readKeyName(name, value).reading).toBe('plain');
    expect(readKeyName(name, 'correct-horse').reading).toBe('credential');
  });

  it('that mixes scripts imitates a credential’s', () => {
    expect(readKeyName('DB_P\u0410SS').reading).toBe('credential');
    expect(readKeyName('\u0442oken').reading).toBe('credential');
    expect(readKeyName('\u043f\u0430\u0440\u043e\u043b\u044c').reading).toBe('plain');
  });

  it('is read by words, wherever its case or separators part them', () => {
    expect(wordsOf('myDBPassword_v2-final.txt:x y')).toEqual(['my', 'db', 'password', 'v', 'final', 'txt', 'x', 'y']);
  });

  it('says which numbers are secret', () => {
    expect([
      readKeyName('PASSWORD').areDigitsSecret,
      readKeyName('SECRET_PIN').areDigitsSecret,
      readKeyName('TOKEN').areDigitsSecret,
    ]).toEqual([true, true, false]);
  });
});
