import type { CompiledAccess, CompiledRule } from '../../authority/client/messages.ts';
import type { AccessDecision } from './decide.ts';

/** One row: who asks for which port under which policy, and what happens. `caller`: SPIFFE ID as text, or `plaintext`. */
export interface AccessCase {
  readonly name: string;
  readonly caller: string;
  readonly port: number;
  readonly access: CompiledAccess;
  readonly decision: AccessDecision;
}

const web = 'spiffe://prod.example/ns/shop/sa/web';
const rule = (change: Partial<CompiledRule> = {}): CompiledRule => ({
  policy: 'shop/orders',
  ports: [8080],
  peers: [{ trustDomain: 'prod.example', path: ['ns', 'shop', 'sa', 'web'] }],
  external: false,
  ...change,
});
const peers = (...path: readonly string[]): CompiledRule['peers'] => [{ trustDomain: 'prod.example', path: [...path] }];
const enforce = (...rules: readonly CompiledRule[]): CompiledAccess => ({ mode: 'enforce', rules: [...rules] });
const allowed: AccessDecision = { outcome: 'allowed', policy: 'shop/orders' };
const denied: AccessDecision = { outcome: 'refused', reason: 'access-denied' };

/** Ids, namespaces, paths, ports and modes, allowed and denied: what is decided per connection. */
export const accessCases: readonly AccessCase[] = [
  { name: 'allows the very id on the very port', caller: web, port: 8080, access: enforce(rule()), decision: allowed },
  {
    name: 'denies everybody where no rule selects the pod',
    caller: web,
    port: 8080,
    access: enforce(),
    decision: denied,
  },
  { name: 'denies another port', caller: web, port: 8081, access: enforce(rule()), decision: denied },
  {
    name: 'allows every port where the rule names none',
    caller: web,
    port: 9,
    access: enforce(rule({ ports: null })),
    decision: allowed,
  },
  {
    name: 'denies where the rule names no peer',
    caller: web,
    port: 8080,
    access: enforce(rule({ peers: [] })),
    decision: denied,
  },
  {
    name: 'denies a longer last segment',
    caller: `${web}-admin`,
    port: 8080,
    access: enforce(rule()),
    decision: denied,
  },
  { name: 'denies a path that goes on', caller: `${web}/x`, port: 8080, access: enforce(rule()), decision: denied },
  {
    name: 'denies a shorter path',
    caller: 'spiffe://prod.example/ns/shop/sa',
    port: 8080,
    access: enforce(rule()),
    decision: denied,
  },
  {
    name: 'denies the same path in another trust domain',
    caller: 'spiffe://other.example/ns/shop/sa/web',
    port: 8080,
    access: enforce(rule()),
    decision: denied,
  },
  {
    name: 'denies a trust domain that only begins alike',
    caller: 'spiffe://prod.example.evil/ns/shop/sa/web',
    port: 8080,
    access: enforce(rule()),
    decision: denied,
  },
  {
    name: 'denies a path that differs in case',
    caller: 'spiffe://prod.example/ns/shop/sa/Web',
    port: 8080,
    access: enforce(rule()),
    decision: denied,
  },
  {
    name: 'lets a star stand for exactly one segment',
    caller: web,
    port: 8080,
    access: enforce(rule({ peers: peers('ns', 'shop', 'sa', '*') })),
    decision: allowed,
  },
  {
    name: 'does not let a star stand for two segments',
    caller: web,
    port: 8080,
    access: enforce(rule({ peers: peers('ns', '*') })),
    decision: denied,
  },
  {
    name: 'lets two stars at the end stand for the rest',
    caller: web,
    port: 8080,
    access: enforce(rule({ peers: peers('ns', '**') })),
    decision: allowed,
  },
  {
    name: 'does not let two stars stand for nothing',
    caller: 'spiffe://prod.example/ns',
    port: 8080,
    access: enforce(rule({ peers: peers('ns', '**') })),
    decision: denied,
  },
  {
    name: 'opens to a whole trust domain where no path is given',
    caller: 'spiffe://prod.example/anything',
    port: 8080,
    access: enforce(rule({ peers: [{ trustDomain: 'prod.example', path: null }] })),
    decision: allowed,
  },
  {
    name: 'takes the union of rules',
    caller: web,
    port: 8080,
    access: enforce(rule({ policy: 'shop/other', ports: [1] }), rule()),
    decision: allowed,
  },
  {
    name: 'records what audit lets pass',
    caller: web,
    port: 8080,
    access: { mode: 'audit', rules: [] },
    decision: { outcome: 'would-deny', reason: 'access-denied' },
  },
  {
    name: 'records what warn lets pass',
    caller: web,
    port: 8080,
    access: { mode: 'warn', rules: [] },
    decision: { outcome: 'would-deny', reason: 'access-denied' },
  },
  {
    name: 'says allowed, not would-deny, where policy opens in audit',
    caller: web,
    port: 8080,
    access: { mode: 'audit', rules: [rule()] },
    decision: allowed,
  },
  {
    name: 'refuses plaintext in enforce, whatever a rule opens',
    caller: 'plaintext',
    port: 8080,
    access: enforce(rule({ ports: null, peers: [{ trustDomain: 'prod.example', path: null }] })),
    decision: { outcome: 'refused', reason: 'plaintext' },
  },
  {
    name: 'refuses plaintext on an external port as long as nobody proves it comes from outside',
    caller: 'plaintext',
    port: 8080,
    access: enforce(rule({ external: true, peers: [] })),
    decision: { outcome: 'refused', reason: 'plaintext' },
  },
  {
    name: 'records plaintext that audit lets pass',
    caller: 'plaintext',
    port: 8080,
    access: { mode: 'audit', rules: [] },
    decision: { outcome: 'would-deny', reason: 'plaintext' },
  },
];
