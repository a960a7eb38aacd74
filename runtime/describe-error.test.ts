import { describe, expect, it } from 'vitest';
import { describeError } from './describe-error.ts';

describe('describeError', () => {
  it('keeps a thrown text and only the type of anything else', () => {
    expect(describeError('broken')).toEqual({ name: 'NotAnError', message: 'broken' });
    expect(describeError({ password: 'word' })).toEqual({ name: 'NotAnError', message: 'object' });
    expect(describeError(undefined)).toEqual({ name: 'NotAnError', message: 'undefined' });
  });

  it('follows causes five deep and no further, so that a ring ends', () => {
    const ring = new Error('ring');
    ring.cause = ring;
    expect(JSON.stringify(describeError(ring)).match(/"message":"ring"/g)).toHaveLength(6);
  });

  it('says what each address answered when all failed', () => {
    const each = ['::1', '127.0.0.1'].map((address) =>
      Object.assign(new Error(`refused ${address}`), { code: 'ECONNREFUSED' }),
    );
    expect(describeError(new AggregateError(each, ''))).toMatchObject({
      name: 'AggregateError',
      errors: [
        { message: 'refused ::1', code: 'ECONNREFUSED' },
        { message: 'refused 127.0.0.1', code: 'ECONNREFUSED' },
      ],
    });
  });
});
