import { stringify } from 'yaml';
import { z } from 'zod';
import type { Reply } from './person.ts';
import { type Stage, untilReady } from './stage.ts';
import { textDiff } from './text-diff.ts';
import { until } from './until.ts';
import { accessPolicy, deployment, service } from './workloads.ts';

const deployments = '/apis/apps/v1/namespaces/shop/deployments';

/** The pairs of the demo: `fast-*` ask for SVIDs of 12 s, the others have the authority's 60 s. The stranger has an identity and no business here. */
const fast = [
  deployment({ name: 'fast-orders', account: 'orders', ttl: '12s', inbound: '8443=8080' }),
  deployment({ name: 'fast-web', account: 'web', ttl: '12s', outbound: '5000=fast-orders.shop.svc:8080' }),
];
const steady = [
  deployment({ name: 'orders', inbound: '8443=8080' }),
  deployment({ name: 'web', outbound: '5000=orders.shop.svc:8080' }),
  deployment({ name: 'stranger', outbound: '5000=orders.shop.svc:8080' }),
];

/** A running pod of the demo, and how to reach its application as somebody inside the pod would. */
export interface RunningPod {
  readonly name: string;
  readonly key: string;
  readonly uid: string;
  readonly address: string;
}

export interface Workloads {
  readonly fastWeb: RunningPod;
  readonly fastOrders: RunningPod;
  readonly web: RunningPod;
  readonly orders: RunningPod;
  readonly stranger: RunningPod;
}

const podList = z.array(
  z.object({
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      uid: z.string(),
      labels: z.record(z.string(), z.string()).default({}),
    }),
    spec: z.record(z.string(), z.unknown()),
    status: z.object({ podIP: z.string().optional() }).default({}),
  }),
);
const template = z.object({
  spec: z.object({
    template: z.object({ metadata: z.record(z.string(), z.unknown()), spec: z.record(z.string(), z.unknown()) }),
  }),
});

/** (c) Two ordinary workloads and an AccessPolicy are admitted, with the diff that injection made; (d) their pods run and are ready. */
export async function admitWorkloads(stage: Stage): Promise<Workloads> {
  const { alice } = stage.people;
  stage.narrator.heading('(c) Ordinary workloads are admitted, and get a sidecar');
  await must(
    stage,
    alice.create('/apis/sallyport.dev/v1alpha1/namespaces/shop/accesspolicies', accessPolicy('orders', ['web'])),
    'open orders to web, and to nobody else, by an AccessPolicy',
  );
  for (const name of ['orders', 'fast-orders']) {
    await required(alice.create('/api/v1/namespaces/shop/services', service(name)));
  }
  await required(
    alice.create('/apis/sallyport.dev/v1alpha1/namespaces/shop/accesspolicies', accessPolicy('fast-orders', ['web'])),
  );
  for (const object of fast) {
    await required(alice.create(deployments, object));
  }
  // Three seconds apart, so that the short-lived pods are through with their rotations when the authority is killed.
  const later = new Promise((resolve) => setTimeout(resolve, 3_000));
  await untilReady(stage.admin, 'shop', 'fast-orders', 20);
  await later;
  for (const object of steady) {
    const parsed = z.object({ metadata: z.object({ name: z.string() }) }).parse(object);
    await must(stage, alice.create(deployments, object), `deploy ${parsed.metadata.name}, a plain HTTP server`);
  }
  await Promise.all(['fast-web', 'orders', 'web', 'stranger'].map((name) => untilReady(stage.admin, 'shop', name, 20)));
  const pods = await runningPods(stage);
  await showInjection(stage, pods.orders);
  const overridden = stage.events
    .filter(({ text }) => text.includes('overriding'))
    .map(({ pod, text }) => `${pod}: ${text}`);
  stage.narrator.note(['the kubelet says:', ...overridden].join('\n'));
  return pods;
}

/** Deploys the steady pair once more. */
export async function deploySteady(stage: Stage): Promise<Pick<Workloads, 'web' | 'orders'>> {
  for (const object of steady.slice(0, 2)) {
    await required(stage.people.alice.create(deployments, object));
  }
  await Promise.all(['orders', 'web'].map((name) => untilReady(stage.admin, 'shop', name, 30)));
  const find = await podsByApp(stage);
  return { web: find('web'), orders: find('orders') };
}

async function required(reply: Promise<Reply>): Promise<void> {
  const got = await reply;
  if (!got.ok) {
    throw new Error(got.message);
  }
}

async function must(stage: Stage, reply: Promise<Reply>, tried: string): Promise<void> {
  const got = await reply;
  stage.narrator.outcome({
    step: 'c',
    by: 'alice',
    tried,
    happened: got.ok ? 'admitted' : 'refused',
    held: got.ok,
    ...(got.ok ? {} : { detail: got.message }),
  });
  if (!got.ok) {
    throw new Error(got.message);
  }
}

async function podsByApp({ admin }: Stage): Promise<(app: string) => RunningPod> {
  const pods = podList.parse((await admin.list('/api/v1/namespaces/shop/pods')).items);
  return (app) => {
    const pod = pods.find(({ metadata }) => metadata.labels['app'] === app);
    if (pod?.status.podIP === undefined) {
      throw new Error(`no pod of ${app} has an address`);
    }
    const { name, namespace, uid } = pod.metadata;
    return { name, key: `${namespace}/${name}`, uid, address: pod.status.podIP };
  };
}

async function runningPods(stage: Stage): Promise<Workloads> {
  const find = await podsByApp(stage);
  return {
    fastWeb: find('fast-web'),
    fastOrders: find('fast-orders'),
    web: find('web'),
    orders: find('orders'),
    stranger: find('stranger'),
  };
}

/** The pod that alice's template asked for beside the one that was stored, as far as injection changed it. */
async function showInjection({ admin, narrator }: Stage, pod: RunningPod): Promise<void> {
  const asked = template.parse(await admin.get(`${deployments}/orders`)).spec.template;
  const [stored] = podList.parse([await admin.get(`/api/v1/namespaces/shop/pods/${pod.name}`)]);
  const ours = (list: unknown): readonly unknown[] =>
    z
      .array(z.looseObject({ name: z.string() }))
      .parse(list ?? [])
      .filter(({ name }) => name.startsWith('sallyport-'));
  const before = { metadata: { labels: {} }, spec: { containers: asked.spec['containers'] } };
  const after = {
    metadata: {
      labels: Object.fromEntries(
        Object.entries(stored?.metadata.labels ?? {}).filter(([key]) => key.startsWith('sallyport.dev/')),
      ),
    },
    spec: {
      containers: asked.spec['containers'],
      initContainers: ours(stored?.spec['initContainers']),
      volumes: ours(stored?.spec['volumes']),
    },
  };
  const diff = textDiff(stringify(before), stringify(after));
  const isNative = diff.includes('restartPolicy: Always') && diff.includes('sallyport-identity');
  narrator.outcome({
    step: 'c',
    by: 'the webhook',
    tried: 'inject a sidecar into the pod of orders',
    happened: 'a native sidecar, a pod-bound token, and not a line of the application',
    held: isNative,
    detail: diff,
  });
}

const called = z.object({ status: z.int().optional(), body: z.string().optional(), error: z.string().optional() });

/** Asks the application in a pod to do something, as `kubectl exec` would. */
export async function askApp(
  pod: RunningPod,
  action: 'call' | 'load' | 'stream',
  order: object,
  patienceSeconds = 30,
): Promise<unknown> {
  const answer = await fetch(`http://${pod.address}:8080/${action}`, {
    method: 'POST',
    body: JSON.stringify(order),
    signal: AbortSignal.timeout(patienceSeconds * 1000),
  });
  return answer.json();
}

/** (d) One application calls the other by plain HTTP; the sidecars carry it over mTLS. */
export async function callOverMtls(stage: Stage, { web, orders }: Workloads): Promise<void> {
  stage.narrator.heading('(d) Applications speak plain HTTP, the wire speaks mutual TLS');
  const answer = called.parse(await askApp(web, 'call', { url: `http://${web.address}:5000/` }));
  const ids = await until('both ends have said whom they met', 5, () => whoMet(stage, web, orders));
  const held =
    answer.status === 200 &&
    answer.body === 'hello from orders\n' &&
    ids.caller.endsWith('/sa/web') &&
    ids.callee.endsWith('/sa/orders');
  stage.narrator.outcome({
    step: 'd',
    by: 'web',
    tried: 'GET http://127.0.0.1:5000/ (declared as orders.shop.svc:8080)',
    happened: answer.body?.trim() ?? answer.error ?? 'no answer',
    held,
    detail: `orders saw the caller ${ids.caller}\nweb was answered by ${ids.callee}\none connection, the same id at both ends: ${ids.connection}`,
    figures: ids,
  });
}

const grant = z.object({
  event: z.literal('access.granted'),
  direction: z.string(),
  peer: z.string(),
  connectionId: z.string(),
});

function whoMet(
  stage: Stage,
  web: RunningPod,
  orders: RunningPod,
): { caller: string; callee: string; connection: string } | undefined {
  const grants = (pod: RunningPod, direction: string) =>
    stage.records(pod).flatMap((record) => {
      const parsed = grant.safeParse(record);
      return parsed.success && parsed.data.direction === direction ? [parsed.data] : [];
    });
  const outbound = grants(web, 'outbound');
  for (const seen of grants(orders, 'inbound')) {
    const other = outbound.find(({ connectionId }) => connectionId === seen.connectionId);
    if (other !== undefined) {
      return { caller: seen.peer, callee: other.peer, connection: seen.connectionId };
    }
  }
  return undefined;
}
