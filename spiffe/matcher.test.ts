import { describe, expect, it } from 'vitest';
import { matchPath, parsePathPattern } from './matcher.ts';

const split = (text: string): string[] => (text === '' ? [] : text.slice(1).split('/'));

describe('matchPath', () => {
  it.each([
    ['', '', true],
    ['', '/a', false],
    ['/a', '/a', true],
    ['/a', '/A', false],
    ['/a', '/ab', false],
    ['/a', '/a/b', false],
    ['/a/b', '/a', false],
    ['/*', '/a', true],
    ['/*', '', false],
    ['/*', '/a/b', false],
    ['/ns/*/sa/web', '/ns/prod/sa/web', true],
    ['/ns/*/sa/web', '/ns/prod/x/sa/web', false],
    ['/ns/prod/**', '/ns/prod/sa/web', true],
    ['/ns/prod/**', '/ns/prod/sa', true],
    ['/ns/prod/**', '/ns/prod', false],
    ['/ns/prod/**', '/ns/production/sa', false],
    ['/**', '/a', true],
    ['/**', '', false],
    ['/*/**', '/a', false],
    ['/*/**', '/a/b', true],
    ['/**/a', '/b/a', false],
  ])('asked whether %j covers %j says %s', (pattern, path, expected) => {
    expect(matchPath(split(pattern), split(path))).toBe(expected);
  });
});

describe('parsePathPattern', () => {
  it.each(['', '/a', '/ns/*/sa/*', '/**', '/ns/prod/**'])('reads %j', (text) => {
    expect(parsePathPattern(text)).toEqual({ ok: true, value: split(text) });
  });

  it.each(['a', '/', '/a/', '//a', '/a*', '/***', '/**/a', '/..', '/a?', '/ä', 'spiffe://td/a'])(
    'refuses %j',
    (text) => {
      expect(parsePathPattern(text)).toMatchObject({ ok: false, problem: { code: 'pattern-malformed' } });
    },
  );
});
