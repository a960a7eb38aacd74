import { describe, expect, it } from 'vitest';
import { accountOfUsername } from './account.ts';

describe('the account of a username', () => {
  it('AR-29 is spelled in four parts', () => {
    expect(accountOfUsername('system:serviceaccount:payments:web')).toEqual({ namespace: 'payments', name: 'web' });
    expect(accountOfUsername('system:serviceaccount:payments:web.v1')).toEqual({
      namespace: 'payments',
      name: 'web.v1',
    });
  });

  it.each([
    'alice',
    'system:serviceaccount:payments',
    'system:serviceaccount:payments:',
    'system:serviceaccount::web',
    'system:serviceaccount:payments:web:x',
    'system:serviceaccounts:payments:web',
    'System:serviceaccount:payments:web',
    'system:serviceaccount:payments:Web',
    'system:serviceaccount:pay.ments:web',
    'system:serviceaccount:payments/a:web',
    'system:serviceaccount:payments:a/web',
    'system:serviceaccount:payments:web..v1',
    ' system:serviceaccount:payments:web',
    'system:serviceaccount:payments:web\n',
  ])('AR-29 is nobody’s in %j', (username) => {
    expect(accountOfUsername(username)).toBeUndefined();
  });
});
