import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import { isKeyOfCertificate } from './certificate-match.ts';
import { hasConnectionPassword } from './connection-string.ts';
import { type Candidate, detectCredential } from './detect.ts';
import { decodeBase64, layersOf } from './encoded-text.ts';
import { findPrivateKey } from './private-key.ts';
import { looksRandom } from './randomness.ts';
import { expandVariables } from './variables.ts';

function detect(
  key: string,
  value: string,
  place: Candidate['place'] = 'env',
  weakDefaults: Candidate['weakDefaults'] = 'enforce',
) {
  return detectCredential({ place, key, value, referableNames: new Set(), weakDefaults });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pem = (label: string, ...body: readonly string[]) =>
  [`-----BEGIN ${label}-----`, ...body, `-----END ${label}-----`].join('\n');

describe('the detector lets pass', () => {
  it.each([
    ['JWT_POLICY', 'third-party-jwt'],
    ['AUTH_PROXY_IMAGE', `registry.example/proxy:1@sha256:${'0'.repeat(64)}`],
    ['MAX_IDLE_CONNS', '100'],
    ['BLOCKED_CIDRS_IN_JWKS_URIS', '10.0.0.0/8'],
    ['ARGS', '--requirepass $(REDIS_PASSWORD)'],
    ['ARGS', '--authentication-policy=mysql_native_password'],
    ['MONGO', 'mongodb://mongodb:27017/test'],
    ['CLIENT_SECRET', '<Client Secret>'],
    ['NOTE', 'Bearer <token>'],
    ['NOTE', 'Bearer ${TOKEN}'],
    ['PROXY', 'http://proxy.example:3128'],
    ['JAVA_OPTS', '-Xmx512m -Dfile.encoding=UTF-8'],
    ['SCRIPT', 'password=$DB_PASSWORD host=db'],
  ])('%s=%s', (key, value) => {
    expect(detect(key, value)).toBeUndefined();
  });

  it.each([
    ['alertmanager.yaml', 'route:\n  receiver: team\n'],
    ['grafana.ini', '[server]\nhttp_port = 3000\n'],
    ['datasources.yaml', 'datasources:\n  - name: metrics\n    url: http://prometheus:9090\n'],
    ['roles.yml', 'admin:\n  cluster: [all]\n'],
    ['ca-bundle.crt', pem('CERTIFICATE', 'bm90IGEgY2VydGlmaWNhdGU=')],
    ['dhparam.pem', pem('DH PARAMETERS', 'MEYCQQD5')],
    ['tunnel', 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415'],
    ['checksum', `sha256:${'4f'.repeat(32)}`],
    ['link', 'https://example.org/AbC123dEf456GhI789jKl'],
  ])('%s in a Secret', (key, value) => {
    expect(detect(key, value, 'secret')).toBeUndefined();
  });
});

describe('the detector finds', () => {
  it.each([
    ['HEADER', 'Bearer abcdef', 'certain'],
    ['HEADER', `Basic ${base64('web:correct-horse')}`, 'certain'],
    ['HEADERS', 'x-team=web,authorization=Bearer%20abcdef', 'certain'],
    ['SETTINGS', base64(base64('amqp://web:correct-horse@mq')), 'certain'],
    ['PASSWORD', 'correct-horse', 'likely'],
  ])('%s=%s', (key, value, confidence) => {
    expect(detect(key, value)?.confidence).toBe(confidence);
  });

  it('a weak default as the setting says', () => {
    expect(detect('PASSWORD', 'changeme')?.confidence).toBe('likely');
    expect(detect('PASSWORD', 'changeme', 'env', 'warn')?.confidence).toBe('possible');
  });

  it('random characters in a Secret and nowhere else', () => {
    const drawn = 'h8Kq2LpX9vRt4WzYb7Nc3MdF';
    expect(detect('value', drawn, 'secret')?.confidence).toBe('possible');
    expect(detect('value', drawn)).toBeUndefined();
  });

  it('and never says what it found', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9]{8,40}$/);
    fc.assert(
      fc.property(
        word,
        fc.constantFrom('PASSWORD', 'URL', 'value'),
        fc.constantFrom('', 'Bearer ', 'postgres://u:'),
        (secret, key, before) => {
          const value = before === 'postgres://u:' ? `${before}${secret}@db` : before + secret;
          const what = detect(key, value, 'secret')?.what ?? '';
          expect(what.includes(secret)).toBe(false);
          expect(what.includes(secret.slice(0, 8))).toBe(false);
        },
      ),
    );
  });

  it('in time that grows with the text only, however it is made', () => {
    const bait = [
      '://u:',
      'password=',
      'host=',
      '@tcp(',
      '-----BEGIN ',
      'a.b-',
      'authorization=bearer ',
      '${A:-',
      '<',
      'eyJ',
    ];
    for (const part of bait) {
      const started = performance.now();
      detect('value', part.repeat(Math.floor(262_144 / part.length)), 'secret');
      expect({ part, isQuick: performance.now() - started < 500 }).toEqual({ part, isQuick: true });
    }
  });
});

describe('K6 private keys', () => {
  it.each([
    ['PKCS#8', pem('PRIVATE KEY', 'MC4CAQ')],
    ['RSA', pem('RSA PRIVATE KEY', 'MIIE')],
    ['EC after other text', `subject: x\n${pem('EC PRIVATE KEY', 'MHc')}`],
    ['OpenPGP', pem('PGP PRIVATE KEY BLOCK', '', 'lQ')],
    ['PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\n'],
    ['age', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`],
    ['WireGuard', `[Interface]\nPrivateKey = ${'A'.repeat(43)}=\n`],
    ['JWK', JSON.stringify({ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' })],
    ['JWK set', JSON.stringify({ keys: [{ kty: 'RSA' }, { kty: 'RSA', d: 'c' }] })],
    ['OpenSSH', pem('OPENSSH PRIVATE KEY', base64('openssh-key-v1\0\0\0\0\u0004none'))],
  ])('finds one as %s', (_, text) => {
    expect(findPrivateKey(text, 'file')).toBe('clear');
  });

  it.each([
    ['PKCS#8', pem('ENCRYPTED PRIVATE KEY', 'MII')],
    ['RSA', pem('RSA PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED', 'DEK-Info: x')],
    ['PuTTY', 'PuTTY-User-Key-File-2: ssh-rsa\nEncryption: aes256-cbc\n'],
    ['OpenSSH', pem('OPENSSH PRIVATE KEY', base64('openssh-key-v1\0\0\0\0\u000aaes256-ctr'))],
  ])('finds an encrypted one as %s', (_, text) => {
    expect(findPrivateKey(text, 'file')).toBe('encrypted');
  });

  it.each([
    ['a public key', pem('PUBLIC KEY', 'MFkw')],
    ['a public JWK set', JSON.stringify({ keys: [{ kty: 'RSA', n: 'x', e: 'AQAB' }] })],
    ['44 characters under another name', `${'A'.repeat(43)}=`],
  ])('lets %s pass', (_, text) => {
    expect(findPrivateKey(text, 'publicKey')).toBeUndefined();
  });

  it('knows a WireGuard key by its name', () => {
    expect(findPrivateKey(`${'A'.repeat(43)}=`, 'private-key')).toBe('clear');
  });

  it('belongs to a certificate only if that is its own', () => {
    const authority = createTestAuthority({ trustDomain: 'prod.example' });
    const [own, other] = [authority.issue({ path: '/ns/a/sa/b' }), authority.issue({ path: '/ns/a/sa/b' })];
    expect(isKeyOfCertificate(own.keyPem, ['ca', own.certPem])).toBe(true);
    expect(isKeyOfCertificate(own.keyPem, [other.certPem])).toBe(false);
    expect(isKeyOfCertificate(own.keyPem, [])).toBe(false);
    expect(isKeyOfCertificate(own.keyPem, [pem('CERTIFICATE', 'bm90IGEgY2VydGlmaWNhdGU=')])).toBe(false);
    expect(isKeyOfCertificate('no key', [own.certPem])).toBe(false);
  });
});

describe('K10 connection strings', () => {
  it.each([
    'postgres://web:correct-horse@db:5432/web',
    'redis://:correct-horse@cache:6379/0',
    'amqp://web:p%40ss@mq',
    'web:correct-horse@tcp(db:3306)/web',
    'Server=db;Database=web;User Id=web;Password=correct-horse;',
    'Password=correct-horse;Server=db',
    'Driver={ODBC};Server=db;UID=web;PWD={correct horse}',
    'jdbc:postgresql://db/web?user=web&password=correct-horse',
    'host=db port=5432 user=web password=correct-horse dbname=web',
    "password='correct horse' host=db",
    'cache:6379,password=correct-horse,ssl=true',
    'org.example.ScramLoginModule required username="web" password="correct-horse";',
    'DefaultEndpointsProtocol=https;AccountName=web;AccountKey=Y29ycmVjdC1ob3JzZQ==',
    'first line\nurl: mongodb+srv://web:correct-horse@cluster/db\n',
  ])('finds the password in %s', (text) => {
    expect(hasConnectionPassword(text)).toBe(true);
  });

  it.each([
    'postgres://web@db/web',
    'postgres://web:$(DB_PASSWORD)@db/web',
    'postgres://web:${DB_PASSWORD}@db/web',
    'postgres://web:<password>@db/web',
    'postgres://web:{{password}}@db/web',
    'web:$(PASSWORD)@tcp(db:3306)/web',
    'host=db password=${PASSWORD}',
    'Server=db;Database=web;Integrated Security=true',
    'https://example.org/a:b@c',
    'git@github.com:owner/name.git',
    'registry.example:5000/name@sha256:00',
    'password=',
  ])('lets %s pass', (text) => {
    expect(hasConnectionPassword(text)).toBe(false);
  });
});

describe('layers of encoding', () => {
  it('are taken off three deep', () => {
    const text = 'a plain sentence of words';
    expect(layersOf(base64(base64(base64(text)))).at(-1)).toBe(text);
    expect(layersOf(base64(base64(base64(base64(text))))).at(-1)).toBe(base64(text));
    expect(layersOf(text)).toEqual([text]);
  });

  it('AR-34 of a Secret are refused when they are no base64', () => {
    const refused = ['a', 'ab', 'abc', 'ab=c', 'a b c d!', '====', 'YQ=', 'YQ==='];
    expect(refused.filter((text) => decodeBase64(text).ok)).toEqual([]);
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const decoded = decodeBase64(Buffer.from(bytes).toString('base64'));
        expect(decoded.ok && decoded.value.equals(bytes)).toBe(true);
      }),
    );
  });
});

describe('randomness', () => {
  it.each(['h8Kq2LpX9vRt4WzYb7Nc3MdF', '9f86d081884c7d659a2feaa0c55ad015'])('%s looks drawn', (value) => {
    expect(looksRandom(value)).toBe(true);
  });

  it.each(['short1A', 'a sentence with Spaces 123 and more', 'aaaaaaaaaaaaaaaaaaaaA1', 'all-lower-case-words-here'])(
    '%s does not',
    (value) => {
      expect(looksRandom(value)).toBe(false);
    },
  );
});

describe('variables', () => {
  const literal = (name: string, value: string | undefined) => ({ name, value });

  it('are expanded from earlier literals, as the kubelet does', () => {
    const expanded = expandVariables([
      literal('A', 'one'),
      literal('B', undefined),
      literal('C', '$(A)-$(B)-$(LATER)-$$(A)'),
      literal('LATER', 'x'),
      literal('A', undefined),
      literal('D', '$(A)$(C)'),
    ]);
    expect(expanded?.map(({ value }) => value)).toEqual([
      'one',
      undefined,
      'one-$(B)-$(LATER)-$$(A)',
      'x',
      undefined,
      '$(A)one-$(B)-$(LATER)-$$(A)',
    ]);
  });

  it('that double each other end at a bound', () => {
    const chain = Array.from({ length: 64 }, (_, index) =>
      literal(`V${index}`, index === 0 ? 'xx' : `$(V${index - 1})$(V${index - 1})`),
    );
    expect(expandVariables(chain)).toBeUndefined();
  });
});
