import { z } from 'zod';
import type { Stage } from './stage.ts';
import { bindings, takeover } from './step-refusals.ts';
import { pause } from './until.ts';

const exemptions = '/apis/sallyport.dev/v1alpha1/exemptions';
const generation = z.object({ metadata: z.object({ generation: z.int() }) });
const lifetimeMs = 10_000;

const exemption = (expiresAt: Date): object => ({
  apiVersion: 'sallyport.dev/v1alpha1',
  kind: 'Exemption',
  metadata: { name: 'ci-admin-migration' },
  spec: {
    rules: ['cluster-role-binding-justification'],
    scope: [
      {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRoleBinding',
        name: takeover.metadata.name,
        grant: { roleRef: takeover.roleRef, subjects: takeover.subjects },
      },
    ],
    justification: 'One-off migration of the CI cluster, watched by two engineers until it is done.',
    ticket: { system: 'jira', id: 'OPS-4711' },
    category: 'waiver',
    owner: { team: 'platform', contact: 'platform@shop.example' },
    expiresAt: expiresAt.toISOString(),
  },
});

/**
 * (b) The same binding once a second person has approved it; it ends by itself. The exemption expires 10 s after approval, so the last part is
 * returned to be awaited later: other steps go on meanwhile.
 */
export async function approveExemption(stage: Stage): Promise<() => Promise<void>> {
  const { narrator, people } = stage;
  const { carol, bob } = people;
  narrator.heading('(b) Past a rule there is one way: an Exemption that a second person approves');

  const expiresAt = new Date(Date.now() + lifetimeMs);
  const asked = await carol.create(exemptions, exemption(expiresAt));
  narrator.outcome({
    step: 'b',
    by: 'carol',
    tried: 'ask for an exemption for that very binding',
    happened: asked.ok ? 'recorded, not approved' : 'refused',
    held: asked.ok,
    ...(asked.ok ? {} : { detail: asked.message }),
  });
  const read = generation.safeParse(asked.ok ? asked.object : undefined).data?.metadata.generation ?? 0;
  const approval = {
    status: { approval: { decision: 'approved', generation: read, comment: 'seen the change plan' } },
  };

  const early = await carol.create(bindings, takeover);
  narrator.outcome({
    step: 'b',
    by: 'carol',
    tried: 'create the binding before anybody approved',
    happened: early.ok ? 'admitted' : 'refused',
    held: !early.ok && early.code === 403,
  });

  const own = await carol.patch(`${exemptions}/ci-admin-migration/status`, approval);
  narrator.outcome({
    step: 'b',
    by: 'carol',
    tried: 'approve her own exemption',
    happened: own.ok ? 'approved' : 'refused by exemption-approval',
    held: !own.ok && own.message.includes('[exemption-approval]'),
    ...(own.ok ? {} : { detail: own.message }),
  });

  const approved = await bob.patch(`${exemptions}/ci-admin-migration/status`, approval);
  narrator.outcome({
    step: 'b',
    by: 'bob',
    tried: `approve it, as a second person, until ${expiresAt.toISOString().slice(11, 19)}`,
    happened: approved.ok ? 'approved' : 'refused',
    held: approved.ok,
    ...(approved.ok ? {} : { detail: approved.message }),
  });

  const bound = await carol.create(bindings, takeover);
  const warnings = bound.ok ? bound.warnings : [];
  narrator.outcome({
    step: 'b',
    by: 'carol',
    tried: 'create the binding',
    happened: bound.ok ? 'admitted with a warning' : 'refused',
    held: bound.ok && warnings.some((text) => text.includes('ci-admin-migration')),
    detail: bound.ok ? warnings.map((text) => `Warning: ${text}`).join('\n') : bound.message,
  });
  const removed = await carol.remove(`${bindings}/ci-admin`);

  return async () => {
    narrator.heading('(b) ... and it ends by itself');
    await pause(expiresAt.getTime() + 100 - Date.now());
    const late = await carol.create(bindings, takeover);
    narrator.outcome({
      step: 'b',
      by: 'carol',
      tried: 'create the same binding again after the exemption expired',
      happened: late.ok ? 'admitted' : 'refused',
      held: removed.ok && !late.ok && late.message.includes('[cluster-role-binding-justification]'),
      ...(late.ok ? {} : { detail: late.message }),
    });
  };
}
