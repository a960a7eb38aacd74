import type { Server } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { type Cancel, type Clock, systemClock } from '../../../runtime/clock.ts';
import { type ClusterApi, clusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { type RandomBytes, systemRandom } from '../../../runtime/random.ts';
import { createAdmission } from './admission/chain.ts';
import { bootstrap } from './bootstrap/objects.ts';
import { type CertificateAuthority, createCertificateAuthority } from './certificates.ts';
import { type Client, createClient } from './client.ts';
import { allControllers, controllerUser } from './controllers/all-controllers.ts';
import { type RunningController, runController } from './controllers/controller.ts';
import { followDefinitions } from './custom-resources.ts';
import { type AuditRecord, createHandler, type Handler } from './handler.ts';
import { createHttpsServer } from './http.ts';
import { isObject, type JsonObject, requireJson, textAt } from './json.ts';
import { certificateKubeConfig, tokenKubeConfig } from './kube-configs.ts';
import { collectionPath, createRegistry } from './resources.ts';
import type { PodLifecycle, Services } from './services.ts';
import { ApiError, badRequest } from './status.ts';
import { createStore, type Store } from './storage.ts';
import { boundPod, podClaims } from './token-request.ts';
import { createTokenIssuer } from './tokens.ts';
import { authenticatedUser } from './user.ts';
import { patchTypes } from './write/patches.ts';

/** Whom a client certificate is minted for. */
export interface Person {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
}

export interface ApiServerOptions extends Partial<PodLifecycle> {
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  /** Default: a free one. */
  readonly port?: number;
  /** The one node that pods are bound to. Default `node-1`. */
  readonly nodeName?: string;
  /** Changes remembered for watches; older ones answer 410. Default 10,000. */
  readonly historyLimit?: number;
  /** Whether the controllers run (a ServiceAccount `default` per namespace is one of them). Default true. */
  readonly controllers?: boolean;
}

/** A running fake. */
export interface FakeCluster {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** The CA that signed the server's certificate, as in `kube-root-ca.crt`. */
  readonly caPem: string;
  /** Mints a client certificate: any user, in any groups. */
  kubeConfig(person: Person): KubeConfig;
  tokenKubeConfig(token: string): KubeConfig;
  /** A token as TokenRequest makes it, of any length of life; bound to the pod where one is named. */
  issueToken(request: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly audiences?: readonly string[];
    readonly pod?: string;
    readonly seconds?: number;
  }): Promise<string>;
  /** The API by HTTPS as `admin` of `system:masters`, by an unmodified client. */
  readonly admin: ClusterApi;
  /** The API without a socket, as anybody. */
  as(person: Person): Client;
  /** Applies YAML documents in order (server-side apply, manager `kubectl`), as `admin` unless told otherwise; fails with `ApiError` at the first that is refused. */
  apply(manifestsYaml: string, as?: Person): Promise<readonly JsonObject[]>;
  /** Every write that RBAC let in, oldest first, with its outcome and the audit annotations of webhooks. */
  readonly auditLog: readonly AuditRecord[];
  /** What is stored; for assertions. */
  readonly store: Store;
  /** Resolves when no controller has anything to do now. Keys that back off after a failure do not count. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const admin: Person = { username: 'admin', groups: ['system:masters'] };

/**
 * Starts an API server of our own for tests and demonstrations: it listens on 127.0.0.1, by TLS, and keeps everything in memory. README.md beside this
 * file says what it is and is not.
 */
export async function startApiServer(options: ApiServerOptions = {}): Promise<FakeCluster> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const [servingCa, clientCa] = ['kubernetes', 'kubernetes-clients'].map((name) =>
    createCertificateAuthority(name, clock.now(), random),
  );
  if (servingCa === undefined || clientCa === undefined) {
    throw new TypeError('two authorities');
  }
  const services = createServices(options, clock, random);
  const auditLog: AuditRecord[] = [];
  const handler = createHandler(services, (record) => auditLog.push(record));
  const stopDefinitions = followDefinitions(services);
  const running = startControllers(options, services, handler, servingCa.caPem);
  bootstrap(services, options.nodeName ?? 'node-1');
  const tls = { ...servingCa.issueServer(servingNames), clientCaPem: clientCa.caPem };
  const server = createHttpsServer(services, handler, tls);
  const url = `https://127.0.0.1:${await listen(server, options.port ?? 0)}`;
  return fakeCluster({ url, services, handler, auditLog, running, server, stopDefinitions, servingCa, clientCa });
}

const servingNames = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
  '::1',
  '127.96.0.1',
];

interface Parts {
  readonly url: string;
  readonly services: Services;
  readonly handler: Handler;
  readonly auditLog: readonly AuditRecord[];
  readonly running: readonly RunningController[];
  readonly server: Server;
  readonly stopDefinitions: Cancel;
  readonly servingCa: CertificateAuthority;
  readonly clientCa: CertificateAuthority;
}

function fakeCluster(parts: Parts): FakeCluster {
  const { url, services, handler, servingCa, clientCa } = parts;
  const kubeConfig = ({ username, groups = [], ...more }: Person): KubeConfig =>
    certificateKubeConfig(
      url,
      servingCa.caPem,
      username,
      clientCa.issueClient({ commonName: username, organizations: groups, ...more }),
    );
  const as = (person: Person): Client => createClient(handler, authenticatedUser(person), 'kubectl');
  return {
    url,
    caPem: servingCa.caPem,
    kubeConfig,
    tokenKubeConfig: (token) => tokenKubeConfig(url, servingCa.caPem, token),
    issueToken: (request) => issueToken(services, request),
    admin: clusterApi(kubeConfig(admin), { timeoutMs: 30_000 }),
    as,
    apply: (manifests, person = admin) => applyAll(services, as(person), manifests),
    auditLog: parts.auditLog,
    store: services.store,
    settled: () => settled(parts),
    stop: () => stop(parts),
  };
}

function createServices(options: ApiServerOptions, clock: Clock, random: RandomBytes): Services {
  const store = createStore(options.historyLimit ?? 10_000);
  const of = (plural: string): { group: string; plural: string } => ({ group: 'rbac.authorization.k8s.io', plural });
  return {
    clock,
    random,
    store,
    registry: createRegistry(),
    tokens: createTokenIssuer(clock),
    admission: createAdmission({ store, random, clock }),
    kubelet: options.kubelet ?? 'expected',
    rbac: {
      clusterRoles: () => store.list(of('clusterroles')),
      clusterRole: (name) => store.get(of('clusterroles'), '', name),
      role: (namespace, name) => store.get(of('roles'), namespace, name),
      clusterRoleBindings: () => store.list(of('clusterrolebindings')),
      roleBindings: (namespace) => store.list(of('rolebindings'), namespace),
    },
  };
}

function startControllers(
  options: ApiServerOptions,
  services: Services,
  handler: Handler,
  caPem: string,
): readonly RunningController[] {
  if (options.controllers === false) {
    return [];
  }
  const { store, registry, clock } = services;
  return allControllers({ registry, caPem, nodeName: options.nodeName ?? 'node-1' }).map((controller) => {
    // The account is looked up at each use: it is made after the controllers begin to listen.
    const client = createClient(
      (request) => handler({ ...request, user: controllerUser(store, controller.name) }),
      authenticatedUser({ username: controller.name }),
      controller.name,
    );
    return runController(controller, { store, registry, clock, client });
  });
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function settled({ running, services }: Parts): Promise<void> {
  for (let before = -1; before !== services.store.revision(); ) {
    before = services.store.revision();
    await Promise.all(running.map((controller) => controller.idle()));
  }
}

async function stop({ running, server, services, stopDefinitions }: Parts): Promise<void> {
  stopDefinitions();
  services.admission.close();
  await Promise.all(running.map((controller) => controller.stop()));
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function issueToken(services: Services, request: Parameters<FakeCluster['issueToken']>[0]): Promise<string> {
  const { namespace, serviceAccount, audiences = [services.tokens.issuer], seconds = 3600 } = request;
  const account = services.store.get({ group: '', plural: 'serviceaccounts' }, namespace, serviceAccount);
  const reference = request.pod === undefined ? {} : { kind: 'Pod', name: request.pod };
  const pod = boundPod(services, namespace, serviceAccount, reference);
  return services.tokens.issue({
    namespace,
    serviceAccount: { name: serviceAccount, uid: textAt(account, 'metadata', 'uid') },
    ...podClaims(services, pod),
    audiences,
    seconds,
  });
}

async function applyAll(services: Services, client: Client, manifests: string): Promise<readonly JsonObject[]> {
  const applied: JsonObject[] = [];
  for (const document of parseAllDocuments(manifests)) {
    const object = requireJson(document.toJS() ?? null);
    if (isObject(object)) {
      applied.push(await applyOne(services, client, object));
    }
  }
  return applied;
}

async function applyOne(services: Services, client: Client, object: JsonObject): Promise<JsonObject> {
  const [apiVersion, kind] = [textAt(object, 'apiVersion'), textAt(object, 'kind')];
  const resource = services.registry.ofKind(apiVersion, kind);
  if (resource === undefined) {
    throw new ApiError(404, 'NotFound', `no matches for kind "${kind}" in version "${apiVersion}"`);
  }
  const name = textAt(object, 'metadata', 'name');
  if (name === '') {
    throw badRequest('resource name may not be empty');
  }
  const given = textAt(object, 'metadata', 'namespace');
  const path = collectionPath(resource, given === '' ? 'default' : given);
  return client.patch(`${path}/${name}`, object, patchTypes.apply, 'fieldManager=kubectl&force=true');
}
