/*
 * What alice deploys. The application's image is a plain HTTP server; only annotations tell the sidecar which ports to carry.
 */

export const appImage = 'registry.example/shop/app:1';

interface Workload {
  readonly name: string;
  /** SVID lifetime asked for by annotation, such as `12s`. */
  readonly ttl?: string;
  readonly account?: string;
  /** `8443=8080`; absent: nobody calls it. */
  readonly inbound?: string;
  readonly outbound?: string;
}

/** A Deployment of one pod that runs the application. */
export function deployment({ name, ttl, account, inbound, outbound }: Workload): object {
  const annotations = {
    ...(inbound === undefined ? {} : { 'sallyport.dev/inbound': inbound }),
    ...(outbound === undefined ? {} : { 'sallyport.dev/outbound': outbound }),
    ...(ttl === undefined ? {} : { 'sallyport.dev/x509-ttl': ttl }),
  };
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'shop', name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
        spec: {
          serviceAccountName: account ?? name,
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'app',
              image: appImage,
              env: [
                { name: 'APP_NAME', value: name },
                { name: 'BIND', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              ],
              ...(inbound === undefined ? {} : { ports: [{ name: 'http', containerPort: 8080 }] }),
              readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            },
          ],
        },
      },
    },
  };
}

export const service = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 8080, targetPort: 8080 }] },
});

/** Who may call the pods of `app`: the accounts named, of the same namespace. */
export const accessPolicy = (app: string, callers: readonly string[]): object => ({
  apiVersion: 'sallyport.dev/v1alpha1',
  kind: 'AccessPolicy',
  metadata: { namespace: 'shop', name: app },
  spec: {
    pods: { app },
    from: [{ ports: [8080], peers: callers.map((serviceAccount) => ({ namespace: 'shop', serviceAccount })) }],
  },
});
