import { describe, expect, it } from 'vitest';
import { printEnvironment } from '../runtime/settings/print-environment.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import {
  parseHostPort,
  parseInbound,
  parseOutbound,
  printHostPort,
  printInbound,
  printOutbound,
  sidecarSettings,
} from './settings.ts';

const minimal = {
  SALLYPORT_TRUST_DOMAIN: 'prod.example',
  SALLYPORT_AUTHORITY_ADDRESS: 'sallyport-authority.sallyport-system.svc:8443',
  SALLYPORT_AUTHORITY_ID: 'spiffe://prod.example/ns/sallyport-system/sa/sallyport-authority',
  SALLYPORT_POD_NAME: 'orders-1',
  SALLYPORT_POD_NAMESPACE: 'shop',
  SALLYPORT_POD_UID: 'uid',
  SALLYPORT_NODE_NAME: 'node-1',
};

describe('sidecarSettings', () => {
  it('needs only who and where it is', () => {
    const settings = readSettings(sidecarSettings, minimal);
    expect(settings).toMatchObject({
      listenAddress: '::',
      adminPort: 15_490,
      inbound: [],
      outbound: [],
      drainTimeout: 20_000,
    });
    expect(settings.x509Ttl).toBeUndefined();
    expect(settings.loopbackAddress).toEqual(['127.0.0.1', '::1']);
  });

  it('reads back what it prints', () => {
    const settings = readSettings(sidecarSettings, {
      ...minimal,
      SALLYPORT_INBOUND: '8443=8080,9443=9090',
      SALLYPORT_OUTBOUND: '5432=db.prod.svc:5432',
      SALLYPORT_X509_TTL: '12s',
      SALLYPORT_LOOPBACK_ADDRESS: '127.0.7.1',
    });
    expect(readSettings(sidecarSettings, printEnvironment(sidecarSettings, settings))).toEqual(settings);
  });

  it.each([
    { variable: 'SALLYPORT_X509_TTL', value: '9s' },
    { variable: 'SALLYPORT_X509_TTL', value: '25h' },
    { variable: 'SALLYPORT_CAPTURE', value: 'redirect' },
    { variable: 'SALLYPORT_AUTHORITY_ID', value: 'spiffe://prod.example//a' },
  ])('refuses $variable=$value', ({ variable, value }) => {
    expect(() => readSettings(sidecarSettings, { ...minimal, [variable]: value })).toThrow(variable);
  });
});

describe('port mappings', () => {
  it('are read and printed', () => {
    expect(parseInbound('8443=8080')).toEqual({ ok: true, value: [{ listen: 8443, target: 8080 }] });
    expect(
      printInbound([
        { listen: 8443, target: 8080 },
        { listen: 9443, target: 9090 },
      ]),
    ).toBe('8443=8080,9443=9090');
    expect(parseOutbound('5432=db.prod.svc:5433')).toEqual({
      ok: true,
      value: [{ listen: 5432, destination: 'db.prod.svc:5433' }],
    });
    expect(printOutbound([{ listen: 5432, destination: 'db.prod.svc:5433' }])).toBe('5432=db.prod.svc:5433');
    expect(parseInbound('')).toEqual({ ok: true, value: [] });
  });

  it.each([
    '8443',
    '8443=',
    '=8080',
    '8443=8080=1',
    '0=8080',
    '8443=65536',
    '08443=80',
    '8443=grpc',
    '15490=80',
    '8443=80,8443=81',
    '8443=8443',
    '8443=9443,9443=1',
    ' 8443=80',
    '8443=80,',
  ])('inbound refuses %j', (text) => {
    expect(parseInbound(text).ok).toBe(false);
  });

  it.each([
    '5432=db',
    '5432=db.prod:5432',
    '5432=db.prod.svc',
    '5432=db.prod.svc:0',
    '5432=DB.prod.svc:1',
    '5432=a.b.c.svc:1',
    '15440=db.prod.svc:1',
    '5432=-a.b.svc:1',
  ])('outbound refuses %j', (text) => {
    expect(parseOutbound(text).ok).toBe(false);
  });

  it('refuse more than 64', () => {
    const text = Array.from({ length: 65 }, (_, index) => `${20_000 + index}=80`).join(',');
    expect(parseInbound(text).ok).toBe(false);
  });
});

describe('parseHostPort', () => {
  it.each(['a.b.svc:8443', '10.0.0.1:1', '[::1]:65535'])('reads %s and prints it back', (text) => {
    const parsed = parseHostPort(text);
    expect(parsed.ok && printHostPort(parsed.value)).toBe(text);
  });

  it.each(['', ':1', 'a', 'a:', 'a:0', 'a:x', '::1:8443', '[a]:1', 'a b:1'])('refuses %j', (text) => {
    expect(parseHostPort(text).ok).toBe(false);
  });
});
