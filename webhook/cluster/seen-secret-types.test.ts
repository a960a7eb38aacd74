import { describe, expect, it } from 'vitest';
import { seenSecretTypes } from './seen-secret-types.ts';

const token = 'kubernetes.io/service-account-token';

describe('the types of Secrets seen at admission', () => {
  it('keep the newest of a name', () => {
    const types = seenSecretTypes();
    types.remember('shop', 'web', 'Opaque');
    types.remember('shop', 'web', token);
    expect([...types.inNamespace('shop')]).toEqual([['web', token]]);
  });

  it('keep a token’s name when somebody tries to create another Secret over it', () => {
    const types = seenSecretTypes();
    types.remember('shop', 'web-token', token);
    types.remember('shop', 'web-token', 'Opaque');
    expect(types.inNamespace('shop').get('web-token')).toBe(token);
    types.remember('bank', 'web-token', 'Opaque');
    expect(types.inNamespace('bank').get('web-token')).toBe('Opaque');
  });
});
