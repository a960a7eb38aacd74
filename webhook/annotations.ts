/*
 * Every label and annotation of ours, and its meaning. Keys begin with `sallyport.dev/`; who may write one is said with it.
 */

export const keyPrefix = 'sallyport.dev/';

/** On Namespaces. */
export const namespaceLabels = {
  /** `enabled`: pods get the sidecar, objects are held to the rules. */
  identity: 'sallyport.dev/identity',
  /** `enforce`, `warn` or `audit`: the mode of rules and data plane. */
  policy: 'sallyport.dev/policy',
  /** `own` or `mesh`: who carries the traffic. */
  dataPlane: 'sallyport.dev/data-plane',
  /** `redirect` or `explicit`: how traffic reaches the sidecar. */
  capture: 'sallyport.dev/capture',
} as const;

/** On pods, written by their author. */
export const authorAnnotations = {
  /** `8443=8080,9443=grpc`: TLS port of the sidecar = port (or name) of the application. */
  inbound: 'sallyport.dev/inbound',
  /** `5432=db.prod.svc:5432`: local port = Service port it leads to. */
  outbound: 'sallyport.dev/outbound',
  /** `80,9090`: application ports that stay plaintext and out of capture. */
  excludeInboundPorts: 'sallyport.dev/exclude-inbound-ports',
} as const;

/** On pods, written by the injector only. */
export const injectedKeys = {
  /** Label `true`: the authority attests only pods that carry it. */
  injected: 'sallyport.dev/injected',
  /** Label: short digest of the declared ports, selected by the namespace's NetworkPolicy (capture `explicit`). */
  ports: 'sallyport.dev/ports',
  /** Annotation, JSON: version, capture, image, template digest. */
  injection: 'sallyport.dev/injection',
} as const;
