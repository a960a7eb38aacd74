import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { createAuditLog } from '../../audit/log.ts';
import { memorySegments } from '../../audit/segments/memory-segments.ts';
import { createAttestor } from '../../authority/attestation/attest.ts';
import { tokenBindings } from '../../authority/attestation/token-binding.ts';
import { auditRecorder } from '../../authority/audit-recorder.ts';
import { createAuthorityClient } from '../../authority/client/authority-client.ts';
import { memoryNamespaceLookup } from '../../authority/cluster/memory-namespace-lookup.ts';
import { memoryPodLookup } from '../../authority/cluster/memory-pod-lookup.ts';
import { memoryTokenReviewer } from '../../authority/cluster/memory-token-reviewer.ts';
import { parseIdTemplate } from '../../authority/entitlement/id-template.ts';
import { type IssueRequest, type IssuerParts, issue } from '../../authority/issuance/issue.ts';
import { issueOwn } from '../../authority/issuance/issue-own.ts';
import { createAnchor } from '../../authority/keys/anchor.ts';
import { birthOfFirst } from '../../authority/keys/key-schedule.ts';
import { keyTimes } from '../../authority/keys/key-times.ts';
import { createGate } from '../../authority/limits/gate.ts';
import { granted, refuse } from '../../authority/refusal.ts';
import { createApp } from '../../authority/server/app.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/logger.ts';
import { requireParsed } from '../../runtime/parsed.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Secret } from '../../runtime/secret.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import { printPem } from '../../spiffe/pem.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { workloadId } from '../../spiffe/workload.ts';
import { attestedPod, namespaceFacts, unsignedToken } from '../../test/builders/attested-pod.ts';
import { certificationRequest } from '../../test/builders/certification-request.ts';
import { type Figure, medianOf } from './figure.ts';

const trustDomain = requireTrustDomain('bench.example');
const authorityId = requireSpiffeId('spiffe://bench.example/ns/sallyport-system/sa/sallyport-authority');
const own = { namespace: 'sallyport-system', serviceAccount: 'sallyport-authority', podUid: 'own' };
const rounds = 5;
const perRound = 1_000;
const atOnce = 32;
const goalPerSecond = 1_000;

/**
 * Issuances per second: the pipeline with everything it does but TokenReview and limits (CSR proof, both signatures, lints, both read-backs, path
 * verification, audit record), on one thread; and over HTTPS beside it, client and server sharing that thread.
 */
export async function benchIssuance(): Promise<readonly Figure[]> {
  const scene = await pipeline();
  const direct = await measure(() => issueOnce(scene.parts, scene.request));
  const overHttps = await overTls(scene);
  return [
    {
      name: 'issuance: the pipeline, one thread',
      unit: '/s',
      ...direct,
      goal: `>= ${goalPerSecond} /s per core`,
      met: direct.value >= goalPerSecond,
    },
    { name: 'issuance: over HTTPS, client in the same thread', unit: '/s', ...overHttps },
  ];
}

interface Scene {
  readonly parts: IssuerParts;
  readonly request: IssueRequest;
  readonly token: string;
}

async function pipeline(): Promise<Scene> {
  const token = unsignedToken({ exp: Math.floor(Date.now() / 1000) + 3_600, jti: 'bench' });
  const audience = `sallyport-authority.${trustDomain}`;
  const pod = attestedPod({ addresses: ['127.0.0.1'] });
  const reviewer = memoryTokenReviewer();
  const extra = {
    'authentication.kubernetes.io/pod-name': [pod.name],
    'authentication.kubernetes.io/pod-uid': [pod.uid],
  };
  reviewer.accept(token, { username: 'system:serviceaccount:prod:web', extra }, [audience]);
  const times = keyTimes(86_400_000);
  const random = systemRandom;
  const { entry, privateKey } = createAnchor({
    birth: birthOfFirst('x509', systemClock.now(), 'none', times),
    trustDomain,
    times,
    random,
  });
  const anchor = requireParsed(parseCertificate(entry.public));
  const signer = { id: entry.id, anchor, privateKey };
  const bundle = {
    trustDomain,
    x509: x509Bundle(trustDomain, [anchor]),
    jwtKeys: [],
    sequence: 1n,
    refreshHintSeconds: 300,
  };
  const audit = createAuditLog({
    program: 'authority',
    replica: { pod: 'bench', podUid: 'bench', node: 'bench', version: 'bench' },
    cluster: 'bench',
    trustDomain,
    segments: memorySegments(),
    clock: systemClock,
    random,
    logger: createLogger({ program: 'authority', level: 'error', write: (line) => process.stderr.write(line) }),
  });
  await audit.start(new AbortController().signal);
  const free = {
    replica: () => granted(undefined),
    namespace: () => granted(undefined),
    pod: () => granted(undefined),
  };
  const signers = { signer: () => ({ kind: 'signer', signer }) as const, ownSigner: () => signer };
  const attestor = createAttestor({
    audience,
    reviewer,
    pods: memoryPodLookup(pod),
    namespaces: memoryNamespaceLookup(namespaceFacts()),
    limits: free,
    gate: createGate({ atOnce: 1_000, waiting: 1_000 }),
    signers,
    bindings: tokenBindings(systemClock),
    idOf: ({ namespace, serviceAccount }) => workloadId(trustDomain, namespace, serviceAccount),
    sourceAddress: 'enforce',
    renewWithoutReviewMs: 0,
    retryAfterSeconds: () => 1,
    clock: systemClock,
  });
  const template = requireParsed(parseIdTemplate('/ns/{namespace}/sa/{serviceAccount}'));
  const parts: IssuerParts = {
    attestor,
    rules: { trustDomain, cluster: 'bench', template, ttlLimitSeconds: 86_400 },
    signers,
    bundles: { current: () => bundle },
    throwawayKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    recorder: auditRecorder(audit),
    clock: systemClock,
    random,
  };
  const request = {
    authorization: `Bearer ${token}`,
    csr: certificationRequest().csr,
    source: { address: '127.0.0.1', port: 1 },
    traceId: 'bench',
  };
  return { parts, request, token };
}

async function issueOnce(parts: IssuerParts, request: IssueRequest): Promise<void> {
  const issued = await issue(request, parts);
  if (!issued.ok) {
    throw new Error(`no SVID: ${issued.refusal.reason} ${issued.refusal.detail ?? ''}`);
  }
}

async function overTls({ parts, request, token }: Scene): Promise<{ value: number; range: readonly [number, number] }> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const svid = await issueOwn(own, publicKey, parts, 'bench');
  if (!svid.ok) {
    throw new Error('no SVID for the server');
  }
  const missing = refuse('client-certificate-missing');
  const app = createApp({
    issue: (asked) => issue(asked, parts),
    caller: () => missing,
    svid: () => missing,
    streams: {
      open: () => missing,
      follow: () => missing,
      has: () => false,
      refresh: () => undefined,
      count: () => 0,
      closeAll: () => undefined,
    },
    acknowledge: () => undefined,
    mayForward: () => granted(undefined),
    forward: () => undefined,
    onRefusal: ({ reason }) => process.stderr.write(`refused: ${reason}\n`),
    random: systemRandom,
  });
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' });
  const server = createServer({ cert: printPem(svid.value.der), key, minVersion: 'TLSv1.3' }, app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const address = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  const anchors = parts.bundles.current()?.x509 ?? x509Bundle(trustDomain, []);
  const client = createAuthorityClient({ address, authorityId, anchors, clock: systemClock });
  const figure = await measure(async () => {
    await client.requestX509({ token: new Secret(token), csr: request.csr });
  });
  client.close();
  server.closeAllConnections();
  server.close();
  return figure;
}

/** Calls per second with `atOnce` under way: the median of the rounds after one to warm up. */
async function measure(once: () => Promise<void>): Promise<{ value: number; range: readonly [number, number] }> {
  const perSecond: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const startedMs = performance.now();
    let left = perRound;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await once();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    perSecond.push(perRound / ((performance.now() - startedMs) / 1_000));
  }
  return medianOf(perSecond.slice(1));
}
