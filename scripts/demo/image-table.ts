import { fileURLToPath } from 'node:url';
import type { Image, ImageTable } from '../../test/fakes/kubelet/kubelet.ts';
import { images } from './installation.ts';
import { appImage } from './workloads.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/**
 * How the demo's images run on this host. Only a sidecar is overridden, in the two settings that a network namespace of its own would make needless: pods
 * share one host here and each has an address of its own instead.
 */
export function imageTable(apiServer: URL): ImageTable {
  const platformEnvironment = {
    PATH: process.env['PATH'] ?? '',
    KUBERNETES_SERVICE_HOST: apiServer.hostname,
    KUBERNETES_SERVICE_PORT: apiServer.port,
  };
  const node = (entry: string): Image => ({ command: [process.execPath, path(entry)], platformEnvironment });
  const sidecar: Image = {
    ...node('../../sidecar/main.ts'),
    overrides: ({ address }) => ({ SALLYPORT_LISTEN_ADDRESS: address, SALLYPORT_LOOPBACK_ADDRESS: address }),
  };
  const table: Readonly<Record<string, Image>> = {
    [images.webhook]: node('../../webhook/main.ts'),
    [images.authority]: node('../../authority/main.ts'),
    [images.sidecar]: sidecar,
    [appImage]: node('./app/main.ts'),
  };
  return (image) => table[image];
}
