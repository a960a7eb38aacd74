import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCertificate } from '../test/builders/test-authority.ts';
import { decodeBase64, parsePemBlocks, parsePemCertificates, printPem } from './pem.ts';

const pem = printPem(buildCertificate({}, undefined).der);

describe('parsePemCertificates', () => {
  it('reads certificates in order, whatever stands around them', () => {
    const second = printPem(buildCertificate({ subject: 'two' }, undefined).der);
    const found = parsePemCertificates(`# the first\r\n${pem.replaceAll('\n', '\r\n')}\n\nsubject=two\n${second}`);
    expect(found.ok && found.value.map(({ der }) => printPem(der))).toEqual([pem, second]);
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' \n\t\r\n'],
  ])('reads %s as no certificate', (_, text) => {
    expect(parsePemCertificates(text)).toEqual({ ok: true, value: [] });
  });

  it.each([
    ['text without a block', 'not PEM'],
    ['a block without its end', pem.replace('-----END', '-----and')],
    ['a block that ends as another', pem.replace('END CERTIFICATE', 'END KEY')],
    ['a block with a foreign character', pem.replace('MII', 'M!I')],
    ['a private key', printPem(Buffer.from('3000', 'hex'), 'PRIVATE KEY')],
    ['a private key behind a certificate', pem + printPem(Buffer.from('3000', 'hex'), 'PRIVATE KEY')],
    ['more than 1 MiB', ' '.repeat(1024 * 1024 + 1)],
    ['more than 256 blocks', printPem(Buffer.from('3000', 'hex')).repeat(257)],
  ])('refuses %s', (_, text) => {
    expect(parsePemCertificates(text)).toMatchObject({ ok: false, problem: { code: 'pem-malformed' } });
  });

  it('says which block is no certificate inside', () => {
    expect(parsePemCertificates(pem + printPem(Buffer.from('3000', 'hex')))).toMatchObject({
      ok: false,
      problem: { code: 'certificate-malformed', path: '/1' },
    });
  });
});

describe('printPem', () => {
  it('is what parsePemBlocks reads, in lines of 64 characters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (der) => {
        const text = printPem(der, 'ANYTHING');
        const blocks = parsePemBlocks(text);
        expect(blocks.ok && blocks.value.map(({ label, der: bytes }) => [label, [...bytes]])).toEqual([
          ['ANYTHING', [...der]],
        ]);
        expect(text.split('\n').every((line) => line.length <= 64)).toBe(true);
      }),
    );
  });
});

describe('decodeBase64', () => {
  it.each(['QQ', 'QQ=', 'Q-==', 'QR==', 'Q Q==', 'QQ==\n', '=', 'QQ==QQ=='])('refuses %j', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  it('reads padded standard base64', () => {
    expect([...(decodeBase64('+/8=') ?? [])]).toEqual([0xfb, 0xff]);
  });
});
