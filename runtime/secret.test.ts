import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.ts';

describe('Secret', () => {
  const secret = new Secret('hunter2');

  it('gives [secret] by every way to text, and the value only when asked by name', () => {
    const printed = [
      String(secret),
      ['', secret].join(),
      JSON.stringify({ secret }),
      inspect({ deep: { secret } }, { showHidden: true, depth: 9 }),
      format('%s %o %j', secret, secret, secret),
      Object.entries(secret).join(),
    ].join('\n');
    expect(printed).not.toContain('hunter2');
    expect(printed).toContain('[secret]');
    expect(secret.expose()).toBe('hunter2');
  });

  it('is equal to another of the same value only', () => {
    expect(secret.equals(new Secret('hunter2'))).toBe(true);
    expect(secret.equals(new Secret('hunter3'))).toBe(false);
    expect(secret.equals(new Secret('hunter'))).toBe(false);
  });
});
