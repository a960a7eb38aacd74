import { describe, expect, it } from 'vitest';
import { Failure } from './failure.ts';
import { createLogger, type LogLevel } from './logger.ts';
import { Secret } from './secret.ts';

class LogFailure extends Failure<'disk-full'> {
  override readonly name = 'LogFailure';
}

function recorded(level: LogLevel = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ program: 'test', level, write: (line) => void lines.push(line) });
  return { logger, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? '') };
}

const token = ['eyJhbGciOiJSUzI1NiJ9', 'eyJzdWIiOiJzb21lYm9keSJ9', 'c2lnbmF0dXJl'].join('.');
const privateKey = ['-----BEGIN', 'PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49'].join(' ');
const vaultToken = ['hvs', 'CAESIJ0123456789abcdefgh'].join('.');

describe('createLogger', () => {
  it('writes one JSON line with kind, program, level as a word, time, fields and message', () => {
    const { logger, lines, last } = recorded();
    logger.info({ namespace: 'shop', count: 3, serial: 12n, at: new Date(0) }, 'pod attested');
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(lines[0]).toMatch(/"time":"\d{4}-\d\d-\d\dT[\d:.]+Z"/);
    expect(last()).toMatchObject({
      kind: 'log',
      program: 'test',
      level: 'info',
      namespace: 'shop',
      count: 3,
      serial: '12',
      at: '1970-01-01T00:00:00.000Z',
      msg: 'pod attested',
    });
  });

  it('writes nothing below its level', () => {
    const { logger, lines } = recorded('warn');
    logger.info({}, 'too quiet');
    logger.child({}).debug({}, 'too quiet');
    logger.warn({}, 'loud enough');
    expect(lines).toHaveLength(1);
  });

  it('prints a Secret as [secret], however deep', () => {
    const { logger, lines } = recorded();
    logger.info({ mine: new Secret('hunter2'), list: [{ deeper: new Secret('hunter2') }] }, 'held');
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).toContain('[secret]');
  });

  it.each([
    ['a token', token],
    ['a private key', privateKey],
    ['a Vault token', vaultToken],
  ])('withholds %s from fields, errors, causes, children and messages', (_, found) => {
    const { logger, lines } = recorded();
    const error = new LogFailure('disk-full', `read ${found}`, {
      cause: new Error(`said ${found}`),
      fields: { detail: found },
    });
    logger.error({ error, text: `a ${found} b`, list: [found], nested: { a: { b: found } } }, 'failed');
    logger.child({ header: found }).info({}, 'child');
    logger.info({}, `message with ${found}`);
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain(found.slice(-16));
    expect(lines.join('')).toContain('[withheld]');
  });

  it('withholds what stands under a telling name, in children too', () => {
    const { logger, lines } = recorded();
    logger.info({ authorization: 'Basic aHVudGVyMg==', request: { headers: { Cookie: 'sid=hunter2' } } }, 'asked');
    logger.child({ password: 'hunter2' }).info({}, 'child');
    expect(lines.join('')).not.toMatch(/aHVudGVy|hunter2/);
  });

  it('describes errors, with code, fields and cause', () => {
    const { logger, last } = recorded();
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC', config: { key: 'never' } });
    logger.error({ error: new LogFailure('disk-full', 'not written', { cause, fields: { bytes: 7 } }) }, 'failed');
    expect(last()).toMatchObject({
      error: {
        name: 'LogFailure',
        message: 'not written',
        code: 'disk-full',
        fields: { bytes: 7 },
        cause: { name: 'Error', message: 'no space', code: 'ENOSPC' },
      },
    });
    expect(JSON.stringify(last())).toContain('logger.test.ts');
    expect(JSON.stringify(last())).not.toContain('never');
  });

  it('cuts what is nested without end', () => {
    const { logger, lines } = recorded();
    const round: Record<string, unknown> = {};
    round['self'] = round;
    logger.info({ round }, 'deep');
    expect(lines[0]).toContain('[deep]');
  });

  it('gives the fields of a child to each of its lines, and to those of its children', () => {
    const { logger, last } = recorded();
    logger.child({ uid: 'u1' }).child({ operation: 'CREATE' }).info({ count: 1 }, 'judged');
    expect(last()).toMatchObject({ uid: 'u1', operation: 'CREATE', count: 1, kind: 'log' });
  });
});
