import { createServer, type Server } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySegments } from '../../audit/segments/memory-segments.ts';
import { type Authority, createAuthority } from '../../authority/authority.ts';
import { readAuthoritySettings } from '../../authority/settings.ts';
import { systemClock } from '../../runtime/clock.ts';
import { clusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { createLogger } from '../../runtime/logger.ts';
import { requireParsed } from '../../runtime/parsed.ts';
import { systemRandom } from '../../runtime/random.ts';
import { parsePemCertificates } from '../../spiffe/pem.ts';
import { type X509Bundle, x509Bundle } from '../../spiffe/trust-bundle.ts';
import {
  authorityPodUid,
  startTown,
  type Town,
  townAuthorityId,
  townDomain,
} from '../../test/builders/authority-town.ts';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import { authorityAccess } from './authority-access.ts';
import { authoritySource } from './authority-source.ts';
import { identitySourceContract } from './identity-source.contract.ts';
import { IdentityFailure, type IdentitySource } from './identity-source.ts';
import type { ProjectedFiles } from './projected-files.ts';
import { checkReceivedSvid } from './received-svid.ts';
import { createSvidStore } from './svid-store.ts';

let town: Town;
let authority: Authority;

beforeAll(async () => {
  town = await startTown();
  await town.addPod('web-1');
  authority = createAuthority({
    settings: readAuthoritySettings({
      SALLYPORT_TRUST_DOMAIN: townDomain,
      SALLYPORT_X509_TTL: '60s',
      SALLYPORT_POD_NAME: 'sallyport-authority-1',
      SALLYPORT_POD_UID: authorityPodUid,
      SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
      SALLYPORT_PORT: '0',
      SALLYPORT_METRICS_PORT: '0',
      SALLYPORT_KUBERNETES_HOST: '127.0.0.1',
    }),
    api: clusterApi(await town.authorityKubeConfig(), { timeoutMs: 5_000 }),
    segments: memorySegments(),
    writeLine: () => undefined,
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    logger: createLogger({ program: 'authority', level: 'silent', write: () => undefined }),
  });
  await authority.supervisor.start();
}, 20_000);

afterAll(async () => {
  await authority.supervisor.stop();
  await town.stop();
});

const anchors = async (): Promise<X509Bundle> =>
  x509Bundle(townDomain, requireParsed(parsePemCertificates(await town.caPem())));

function source(
  change: { files?: Partial<ProjectedFiles>; address?: string; ttlSeconds?: number } = {},
): IdentitySource {
  const files: ProjectedFiles = {
    token: () => town.podToken('web-1'),
    anchors,
    tokenVersion: () => Promise.resolve(''),
    tokenWrittenAt: () => Promise.resolve(undefined),
    ...change.files,
  };
  const address = change.address ?? `127.0.0.1:${authority.address().port}`;
  const reach = authorityAccess({
    address,
    authorityId: townAuthorityId,
    files,
    clock: systemClock,
    localAddress: '127.0.0.1',
  });
  const ttl = change.ttlSeconds === undefined ? {} : { ttlSeconds: change.ttlSeconds };
  return authoritySource({ reach, files, trustDomain: townDomain, clock: systemClock, ...ttl });
}

describe('authoritySource', () => {
  identitySourceContract(() => ({
    working: source(),
    failing: source({ files: { token: () => town.podToken('web-1', 'another-audience') } }),
    trustDomain: townDomain,
  }));

  it('asks for the lifetime that was set', async () => {
    const obtained = await source({ ttlSeconds: 20 }).obtain(undefined);
    const svid = requireParsed(checkReceivedSvid(obtained, townDomain, new Date()));
    expect(svid.notAfter.getTime() - Date.now()).toBeLessThanOrEqual(20_000);
  });

  it('falls back to the file when the anchors of the stream do not know the authority any more', async () => {
    const working = source();
    const first = await working.obtain(undefined);
    const store = createSvidStore();
    const stale = new Map([[townDomain, createTestAuthority({ trustDomain: townDomain }).bundle]]);
    store.acceptSvid(requireParsed(checkReceivedSvid(first, townDomain, new Date())), { bundles: stale, sequence: 1n });
    await expect(working.obtain(store.current())).resolves.toMatchObject({ spiffeId: first.spiffeId });
  });

  it('says `untrusted`, and shows its token to nobody, when another answers at the address', async () => {
    const stranger = createTestAuthority({ trustDomain: townDomain });
    const { keyPem: key, certPem: cert } = stranger.issue({
      path: townAuthorityId.text.slice(`spiffe://${townDomain}`.length),
    });
    let requests = 0;
    const server: Server = createServer({ key, cert }, (_request, response) => {
      requests += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    const address = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
    await expect(source({ address }).obtain(undefined)).rejects.toMatchObject({ reason: 'untrusted', isFinal: false });
    expect(requests).toBe(0);
    server.close();
  });

  it('says `unreachable` when nobody answers', async () => {
    await expect(source({ address: '127.0.0.1:1' }).obtain(undefined)).rejects.toMatchObject({ reason: 'unreachable' });
  });

  it('passes on why the files cannot be used', async () => {
    const token = (): Promise<never> =>
      Promise.reject(new IdentityFailure('unavailable', { reason: 'token-unreadable' }));
    await expect(source({ files: { token } }).obtain(undefined)).rejects.toMatchObject({ reason: 'token-unreadable' });
  });
});
