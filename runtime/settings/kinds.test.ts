import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integer, listOf, parseDuration, printDuration, text, url } from './kinds.ts';

describe('duration', () => {
  it('adds up units that fall, and knows minutes from milliseconds', () => {
    expect(parseDuration('1h30m')).toBe(5_400_000);
    expect(parseDuration('1d2h3m4s5ms')).toBe(93_784_005);
    expect(parseDuration('250ms')).toBe(250);
    expect(parseDuration('2m')).toBe(120_000);
    expect(parseDuration('0')).toBe(0);
  });

  it('refuses bare numbers, spaces, signs, fractions, rising units and unknown ones', () => {
    const bad = ['', '10', ' 10s', '10s ', '-1s', '1.5h', '10s1h', '1w', 's', '1e3s', '10S'];
    expect(bad.filter((value) => parseDuration(value) !== undefined)).toEqual([]);
  });

  it('prints what it reads back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ms) => parseDuration(printDuration(ms)) === ms));
  });
});

describe('integer', () => {
  it('refuses what a lenient reader would round, trim or convert', () => {
    const port = integer({ min: -5, max: 65_535 });
    const bad = ['', ' 1', '1 ', '+1', '01', '-0', '1.0', '1e2', '0x10', '65536', '-6', '9'.repeat(400)];
    expect(bad.filter((value) => port.safeParse(value).success)).toEqual([]);
    expect(port.parse('-5')).toBe(-5);
    expect(port.parse('0')).toBe(0);
  });
});

describe('listOf', () => {
  it('trims the items and gives an empty list for an empty text', () => {
    expect(listOf(text()).parse('a, b ,c')).toEqual(['a', 'b', 'c']);
    expect(listOf(text()).parse('')).toEqual([]);
  });

  it('refuses an empty item', () => {
    expect(listOf(text()).safeParse('a,,b').success).toBe(false);
  });
});

describe('url', () => {
  it('refuses other schemes and user information', () => {
    const bad = ['ftp://example.org', 'javascript:alert(1)', 'http://user@example.org', 'example.org', '/a'];
    expect(bad.filter((value) => url().safeParse(value).success)).toEqual([]);
  });
});

describe('every kind', () => {
  it('refuses a text of more than 16 KiB without looking at it', () => {
    expect(text().safeParse('a'.repeat(16_384)).success).toBe(true);
    expect(text().safeParse('a'.repeat(16_385)).success).toBe(false);
  });
});
