import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { strictExemption } from '../../manifests/resources/exemption.ts';
import {
  base64,
  creates,
  minimalClusterRoleBinding,
  minimalSecret,
  now,
  tweaked,
} from '../../test/builders/judgement.ts';
import { printExemptionManifest } from './exemption-manifest.ts';

const binding = tweaked(minimalClusterRoleBinding, {
  subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'ci' }],
});

describe('a printed exemption', () => {
  it('asks for exactly the refused grant, and parses as an Exemption', () => {
    const text = printExemptionManifest({
      request: creates(binding),
      findings: [{ rule: 'cluster-role-binding-justification', path: '/subjects' }],
      now,
    });
    const parsed = strictExemption.parse(parse(text ?? ''));
    expect(parsed.metadata.name).toBe('auditors-clusterrolebinding');
    expect(parsed.spec.scope).toEqual([
      {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRoleBinding',
        name: 'auditors',
        grant: {
          roleRef: { kind: 'ClusterRole', name: 'view' },
          subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'ci' }],
        },
      },
    ]);
  });

  it('names the keys of a Secret and none of its values', () => {
    const secret = tweaked(minimalSecret, { data: { password: base64('correct-horse') } });
    const text = printExemptionManifest({
      request: creates(secret),
      findings: [{ rule: 'static-credential-secret', path: '/data/password' }],
      now,
    });
    expect(strictExemption.parse(parse(text ?? '')).spec.scope[0]?.keys).toEqual(['password']);
    expect(text).not.toContain('correct-horse');
    expect(text).not.toContain(base64('correct-horse'));
  });

  it('is not printed for what no exemption lifts', () => {
    expect(
      printExemptionManifest({ request: creates(binding), findings: [{ rule: 'reserved-name', path: '' }], now }),
    ).toBeUndefined();
  });
});
