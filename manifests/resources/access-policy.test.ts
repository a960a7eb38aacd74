import { describe, expect, it } from 'vitest';
import { parseAccessPolicy } from './access-policy.ts';

const policy = (from: unknown): unknown => ({
  metadata: { namespace: 'shop', name: 'orders' },
  spec: { pods: { app: 'orders' }, from },
});

describe('AccessPolicy', () => {
  it('reads peers, ports and external doors, and ignores members it does not know', () => {
    const from = [
      {
        ports: [8080, 'grpc'],
        peers: [{ id: 'spiffe://prod.example/ns/shop/sa/web' }, { namespace: 'ops', serviceAccount: 'prober' }],
        later: 1,
      },
      { peers: [{ trustDomain: 'partner.example', path: ['region', 'eu', '*', '**'] }] },
      { ports: [8443], external: true },
    ];
    const parsed = parseAccessPolicy(policy(from));
    expect(parsed).toMatchObject({
      ok: true,
      value: { spec: { transport: 'strict', from: [{ ports: [8080, 'grpc'] }, {}, { external: true }] } },
    });
  });

  it('admits nobody when it lists nobody', () => {
    expect(parseAccessPolicy({ metadata: { namespace: 'shop', name: 'none' }, spec: {} })).toMatchObject({
      ok: true,
      value: { spec: { pods: {}, from: [] } },
    });
  });

  it.each([
    ['a peer that names nobody', [{ peers: [{}] }], '/spec/from/0/peers/0'],
    ['an id beside other fields', [{ peers: [{ id: 'spiffe://a/b', namespace: 'x' }] }], '/spec/from/0/peers/0'],
    [
      'an account without its namespace',
      [{ peers: [{ serviceAccount: 'x', trustDomain: 'b' }] }],
      '/spec/from/0/peers/0',
    ],
    ['a path beside a namespace', [{ peers: [{ namespace: 'x', path: ['a'] }] }], '/spec/from/0/peers/0'],
    ['any trust domain', [{ peers: [{ trustDomain: '*' }] }], '/spec/from/0/peers/0'],
    ['** before the end', [{ peers: [{ path: ['**', 'a'] }] }], '/spec/from/0/peers/0'],
    ['an external door without ports', [{ external: true }], '/spec/from/0'],
    ['a rule for nobody', [{ ports: [80] }], '/spec/from/0'],
    ['a port out of range', [{ ports: [0], peers: [{ namespace: 'x' }] }], '/spec/from/0/ports/0'],
  ])('refuses %s, and says where', (_, from, path) => {
    expect(parseAccessPolicy(policy(from))).toMatchObject({
      ok: false,
      problem: { code: 'invalid-access-policy', path },
    });
  });

  it.each([null, 7, 'text', [], {}])('refuses %j without a crash', (value) => {
    expect(parseAccessPolicy(value).ok).toBe(false);
  });
});
