/*
 * The labels, annotations and names the authority reads or writes. Gate 1 writes the first group (`webhook/annotations.ts` says who may); the two
 * programs share words, never code.
 */

export const marks = {
  /** Namespace label `enabled`: opted in. */
  identity: 'sallyport.dev/identity',
  /** Namespace label: `enforce`, `warn` or `audit`. */
  policy: 'sallyport.dev/policy',
  /** Pod label `true`, by the injector. */
  injected: 'sallyport.dev/injected',
  /** Pod label: digest of the declared ports; the namespace's NetworkPolicy selects by it. */
  ports: 'sallyport.dev/ports',
  /** Pod annotation `8443=8080`: TLS port = port, or its name, of the application. */
  inbound: 'sallyport.dev/inbound',
} as const;

/** Where pods find the anchors of first contact. */
export const firstContactConfigMap = { name: 'sallyport-trust-bundle', key: 'ca.pem' } as const;

/** The Lease whose holder writes the `TrustBundle`. */
export const leaseName = 'sallyport-authority';
