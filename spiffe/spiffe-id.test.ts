import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpiffeId, requireSpiffeId, sameSpiffeId, spiffeIdOf } from './spiffe-id.ts';
import { requireTrustDomain } from './trust-domain.ts';
import { authorityDomainId, workloadId } from './workload.ts';

const td = requireTrustDomain('td');

/** Refused ids by clause, each with the byte offset of its first fault. */
const refusedIds: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  'ID-01': [
    ['', 0],
    ['http://td/a', 0],
    ['spiffe:/td/a', 0],
    ['spiffe:td/a', 0],
    ['//td/a', 0],
    [' spiffe://td/a', 0],
    ['\uFEFFspiffe://td/a', 0],
    ['spiffe://td/a?x=1', 13],
    ['spiffe://td/a?', 13],
    ['spiffe://td/a#f', 13],
    ['spiffe://td?x', 11],
    ['spiffe://td#', 11],
  ],
  'ID-02': [
    ['spiffe://', 9],
    ['spiffe:///a', 9],
    ['spiffe://u@td/a', 10],
    ['spiffe://@td/a', 9],
    ['spiffe://td:8080/a', 11],
    ['spiffe://td:/a', 11],
    ['spiffe://192.168.1.1:443/a', 20],
  ],
  'ID-03': [
    ['spiffe://t%64/a', 10],
    ['spiffe://t d/a', 10],
    ['spiffe://t\td/a', 10],
    ['spiffe://td\\/a', 11],
    ['spiffe://\u0442d/a', 9],
    ['spiffe://t\u00ADd/a', 10],
    ['spiffe://t\u0000d/a', 10],
    [`spiffe://${'a'.repeat(256)}/a`, 264],
  ],
  'ID-04': [
    ['spiffe://[::1]/a', 9],
    ['spiffe://::1/a', 9],
    ['spiffe://[2001:db8::1]:80/a', 9],
  ],
  'ID-05': [
    ['spiffe://td/', 12],
    ['spiffe://td/a/', 14],
    ['spiffe://td//a', 12],
    ['spiffe://td/a//b', 14],
    ['spiffe://td/./a', 12],
    ['spiffe://td/a/..', 14],
    ['spiffe://td/%41', 12],
    ['spiffe://td/a/%2e%2e/b', 14],
    ['spiffe://td/a\nb', 13],
    ['spiffe://td/a\\b', 13],
    ['spiffe://td/a*', 13],
    ['spiffe://td/a\u200Bb', 13],
    ['spiffe://td/ä', 12],
  ],
  'ID-06': [[`spiffe://td/${'a'.repeat(2037)}`, 2048]],
  'ID-07': [
    ['SPIFFE://td/a', 0],
    ['Spiffe://td/a', 0],
  ],
};

describe.each(Object.entries(refusedIds))('%s', (clause, rows) => {
  it.each(rows)(`${clause} refuses %j and says where it broke`, (text, offset) => {
    expect(parseSpiffeId(text)).toMatchObject({ ok: false, problem: { clause, offset } });
  });
});

describe('parseSpiffeId', () => {
  it.each([
    ['spiffe://td', []],
    ['spiffe://td/a', ['a']],
    ['spiffe://td/ns/prod/sa/web', ['ns', 'prod', 'sa', 'web']],
    ['spiffe://td/..x/x../...', ['..x', 'x..', '...']],
    ['spiffe://td/A.b-C_9', ['A.b-C_9']],
  ])('ID-05 accepts %s and splits its path', (text, path) => {
    const id = requireSpiffeId(text);
    expect([id.trustDomain, id.path, id.text]).toEqual(['td', path, text]);
  });

  it.each(['192.168.1.1', '999.999.999.999', '1', '0x7f.1', 'td_1.example-2.org', '-', '..', 'xn--bcher-kva.example'])(
    'ID-04 treats %s like any other name',
    (name) => {
      expect(requireSpiffeId(`spiffe://${name}/a`).trustDomain).toBe(name);
    },
  );

  it('ID-03 accepts exactly a-z, 0-9, dot, dash and underscore of all byte values in a trust domain', () => {
    expect(acceptedBytes((character) => `spiffe://t${character}d`)).toBe('-./0123456789_abcdefghijklmnopqrstuvwxyz');
  });

  it('ID-05 accepts exactly letters, digits, dot, dash and underscore of all byte values in a segment', () => {
    expect(acceptedBytes((character) => `spiffe://td/a${character}b`)).toBe(
      '-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz',
    );
  });

  it('ID-06 accepts 2,048 bytes, and a trust domain of 255', () => {
    expect(parseSpiffeId(`spiffe://td/${'a'.repeat(2036)}`).ok).toBe(true);
    expect(parseSpiffeId(`spiffe://${'a'.repeat(255)}/a`).ok).toBe(true);
  });

  it('ID-07 keeps the case of a path and compares by it', () => {
    expect(sameSpiffeId(requireSpiffeId('spiffe://td/A'), requireSpiffeId('spiffe://td/a'))).toBe(false);
    expect(sameSpiffeId(requireSpiffeId('spiffe://td/A'), requireSpiffeId('spiffe://td/A'))).toBe(true);
  });

  it('ID-07 refuses an upper-case trust domain, as ID-03 has it', () => {
    expect(parseSpiffeId('spiffe://TD/a')).toMatchObject({ ok: false, problem: { clause: 'ID-03', offset: 9 } });
  });

  it('refuses what a URL parser would repair into another id', () => {
    const repaired = 'spiffe://td/%61/../b';
    expect(new URL(repaired).href).toBe('spiffe://td/b');
    expect(parseSpiffeId(repaired)).toMatchObject({ ok: false, problem: { clause: 'ID-05', offset: 12 } });
  });

  it('freezes what it gives', () => {
    const id = requireSpiffeId('spiffe://td/a');
    expect(Object.isFrozen(id) && Object.isFrozen(id.path)).toBe(true);
  });

  it('gives the text back for whatever it accepts, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^spiffe:\/\/[a-c.]{0,3}(\/[A-b._-]{0,3}){0,3}$/)),
        (text) => {
          const id = parseSpiffeId(text);
          return !id.ok || [`spiffe://${id.value.trustDomain}`, ...id.value.path].join('/') === text;
        },
      ),
    );
  });
});

describe('the ids we produce', () => {
  it('ID-01 ID-02 ID-03 begin with the scheme and the trust domain and nothing in between', () => {
    expect(workloadId(td, 'prod', 'web')).toMatchObject({ ok: true, value: { text: 'spiffe://td/ns/prod/sa/web' } });
  });

  it.each([[''], ['.'], ['..'], ['a/b'], ['a%2Fb'], ['ä'], ['a b'], ['a?b'], ['a#b']])(
    'ID-05 are never made of the segment %j',
    (segment) => {
      expect(spiffeIdOf(td, ['ns', segment]).ok).toBe(false);
    },
  );

  it('ID-04 hold an IPv4 trust domain as it is, and no IPv6', () => {
    expect(spiffeIdOf(requireTrustDomain('10.0.0.1'), ['a'])).toMatchObject({
      ok: true,
      value: { text: 'spiffe://10.0.0.1/a' },
    });
    expect(() => requireTrustDomain('::1')).toThrow(/ID-04/);
  });

  it('ID-06 are never longer than 2,048 bytes', () => {
    expect(spiffeIdOf(td, ['a'.repeat(2036)]).ok).toBe(true);
    expect(spiffeIdOf(td, ['a'.repeat(2037)])).toMatchObject({ ok: false, problem: { clause: 'ID-06' } });
  });

  it('ID-07 keep the case of their segments', () => {
    expect(spiffeIdOf(td, ['Web'])).toMatchObject({ ok: true, value: { text: 'spiffe://td/Web' } });
  });

  it('ID-08 name the signing authority by the trust domain without a path', () => {
    expect(authorityDomainId(td).text).toBe('spiffe://td');
  });
});

function acceptedBytes(textWith: (character: string) => string): string {
  return Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    .filter((character) => parseSpiffeId(textWith(character)).ok)
    .join('');
}
