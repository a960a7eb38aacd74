import { z } from 'zod';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import type { Stage } from './stage.ts';
import { askApp, type RunningPod, type Workloads } from './step-workloads.ts';
import { until } from './until.ts';
import { type Visit, visitByTls, visitInPlaintext } from './wire.ts';

const denial = z.object({ event: z.literal('access.denied'), reasonCode: z.string(), count: z.int().default(1) });

/** Times `orders` has refused for a reason, by its own log. */
export function refusalsLogged(stage: Stage, pod: RunningPod, reason: string): number {
  return stage.records(pod).reduce<number>((sum, record) => {
    const parsed = denial.safeParse(record);
    return sum + (parsed.success && parsed.data.reasonCode === reason ? parsed.data.count : 0);
  }, 0);
}

/**
 * (e) Who has no business at the door of orders. Gives the refusals it provoked there, by reason.
 */
export async function refuseStrangers(
  stage: Stage,
  { orders, stranger }: Workloads,
): Promise<Readonly<Record<string, number>>> {
  const { narrator } = stage;
  narrator.heading('(e) Gate 2 refuses whoever cannot prove an identity that the policy lets in');
  const provoked: Record<string, number> = {};
  const expect = async (
    reason: string,
    by: string,
    tried: string,
    attempt: () => Promise<Pick<Visit, 'answered'>>,
  ): Promise<void> => {
    const before = refusalsLogged(stage, orders, reason);
    const { answered } = await attempt();
    provoked[reason] = (provoked[reason] ?? 0) + 1;
    const logged = await until(`orders logs ${reason}`, 5, () =>
      refusalsLogged(stage, orders, reason) > before ? true : undefined,
    ).catch(() => false);
    narrator.outcome({ step: 'e', by, tried, happened: `refused: ${reason}`, held: answered === 0 && logged });
  };
  const foreign = createTestAuthority({ trustDomain: 'other.example' }).issue({ path: '/ns/shop/sa/web' });

  await expect('plaintext', 'somebody', 'plain HTTP to the TLS port of orders', () =>
    visitInPlaintext(orders.address, 8443),
  );
  await expect('no-client-certificate', 'somebody', 'TLS without a certificate', () =>
    visitByTls(orders.address, 8443),
  );
  await expect('tls-untrusted', 'a workload of other.example', 'TLS with an SVID of another trust domain', () =>
    visitByTls(orders.address, 8443, { cert: foreign.certPem, key: foreign.keyPem }),
  );
  await expect('access-denied', 'stranger', 'a call with a valid identity that no policy lets in', async () => {
    const answer = z
      .object({ status: z.int().optional() })
      .parse(await askApp(stranger, 'call', { url: `http://${stranger.address}:5000/` }));
    return { answered: answer.status === undefined ? 0 : 1 };
  });
  await showBackDoor(stage, orders);
  return provoked;
}

const policies = z.array(
  z.object({
    metadata: z.object({ name: z.string() }),
    spec: z.object({ podSelector: z.unknown(), ingress: z.unknown() }),
  }),
);

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) });

/** The application's own port: open on this host, closed by a NetworkPolicy on a cluster. */
async function showBackDoor({ narrator, admin }: Stage, orders: RunningPod): Promise<void> {
  const visit = await visitInPlaintext(orders.address, 8080);
  const stored = labelled.parse(await admin.get(`/api/v1/namespaces/shop/pods/${orders.name}`));
  const ports = stored.metadata.labels['sallyport.dev/ports'] ?? '';
  const policy = policies
    .parse((await admin.list('/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies')).items)
    .find(({ spec }) => JSON.stringify(spec.podSelector).includes(`"${ports}"`));
  narrator.outcome({
    step: 'e',
    by: 'somebody',
    tried: 'plain HTTP to the application’s own port 8080',
    happened: `answered, as this host enforces no NetworkPolicy; on a cluster ${policy?.metadata.name ?? '(none)'} closes it`,
    held: visit.answered > 0 && policy !== undefined,
    detail:
      policy === undefined
        ? 'no NetworkPolicy was written'
        : `NetworkPolicy ${policy.metadata.name} selects ${JSON.stringify(policy.spec.podSelector)} and admits only ${JSON.stringify(policy.spec.ingress)}`,
  });
}
