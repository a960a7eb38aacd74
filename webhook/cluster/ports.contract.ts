import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmissionPorts } from '../admission/ports.ts';

/** What every implementation is given to know, as manifests. */
export const contractManifests = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { sallyport.dev/identity: enabled }, annotations: { team: a } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web, namespace: shop }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: shop }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: web-reads, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: web, namespace: shop }]
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: web-1, namespace: shop }
spec:
  replicas: 0
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
---
apiVersion: sallyport.dev/v1alpha1
kind: Exemption
metadata: { name: view-all }
spec:
  rules: [cluster-role-binding-justification]
  scope: [{ apiGroup: rbac.authorization.k8s.io, kind: ClusterRoleBinding, name: view-all, digest: "sha256:${'0'.repeat(64)}" }]
  justification: The yearly audit reads every namespace.
  ticket: { system: tracker, id: OPS-1 }
  category: waiver
  owner: { team: platform, contact: platform@example.org }
  expiresAt: "2027-01-15T12:00:00Z"
`;

/** What the ports promise, whoever is behind them. */
export function describePorts(
  name: string,
  make: () => Promise<{ readonly ports: AdmissionPorts; readonly stop: () => Promise<void> }>,
): void {
  describe(`ports over ${name}`, () => {
    let made: Awaited<ReturnType<typeof make>>;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made.stop());

    it('know the labels and annotations of a namespace, and that another does not exist', async () => {
      expect(await made.ports.namespaces.find('shop')).toMatchObject({
        name: 'shop',
        labels: { 'sallyport.dev/identity': 'enabled' },
        annotations: { team: 'a' },
        known: true,
      });
      expect(await made.ports.namespaces.find('nowhere')).toBeUndefined();
    });

    it('know who holds which roles', () => {
      const grants = made.ports.rbac.current()?.grants.get('S|shop/web') ?? [];
      expect(grants.map(({ namespace, role }) => [namespace, role])).toEqual([['shop', 'Role/reader']]);
    });

    it('know every exemption, valid or not', () => {
      expect(made.ports.exemptions.all().map(({ metadata }) => metadata.name)).toEqual(['view-all']);
    });

    it('know accounts as names that may be referred to, in their namespace only', () => {
      expect(made.ports.referableNames.inNamespace('shop').has('web')).toBe(true);
      expect(made.ports.referableNames.inNamespace('default').has('web')).toBe(false);
    });

    it('find a live owner, and neither another name nor another namespace', async () => {
      const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: 'web-1' };
      expect(await made.ports.liveObjects.find(owner)).toMatchObject({
        kind: 'ReplicaSet',
        metadata: { name: 'web-1' },
      });
      expect(await made.ports.liveObjects.find({ ...owner, name: 'web-2' })).toBeUndefined();
      expect(await made.ports.liveObjects.find({ ...owner, namespace: 'default' })).toBeUndefined();
    });
  });
}
