import { KubeConfig } from '@kubernetes/client-node';
import type { KeyPair } from './certificates.ts';

/** A kubeconfig for this server and CA with a client certificate. */
export function certificateKubeConfig(server: string, caPem: string, username: string, pair: KeyPair): KubeConfig {
  return kubeConfigOf(server, caPem, { name: username, certData: base64(pair.certPem), keyData: base64(pair.keyPem) });
}

/** A kubeconfig for this server and CA with a bearer token. */
export function tokenKubeConfig(server: string, caPem: string, token: string): KubeConfig {
  return kubeConfigOf(server, caPem, { name: 'token', token });
}

function kubeConfigOf(
  server: string,
  caPem: string,
  user: { name: string; certData?: string; keyData?: string; token?: string },
): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'fake', server, caData: base64(caPem), skipTLSVerify: false }],
    users: [user],
    contexts: [{ name: 'fake', cluster: 'fake', user: user.name }],
    currentContext: 'fake',
  });
  return kubeConfig;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
