/** What the operator decided about injected sidecars. The composition root makes it from the program's settings. */
export interface InjectionSettings {
  readonly trustDomain: string;
  /** Image of the sidecar, by digest: from here only, never from a pod. */
  readonly image: string;
  /** `<host>:<port>` of the authority, as sidecars dial it. */
  readonly authorityAddress: string;
  /** SPIFFE ID the authority must prove to them. */
  readonly authorityId: string;
  /** The uid that sidecars run under, and nobody else. */
  readonly sidecarUid: number;
  /** Version of this injector, for the annotation that says what injected a pod. */
  readonly version: string;
}

/** Names of everything the injector adds. */
export const injectedNames = {
  container: 'sallyport-sidecar',
  identityVolume: 'sallyport-identity',
  adminPort: 'sallyport-admin',
  trustBundleConfigMap: 'sallyport-trust-bundle',
} as const;

/** Prefix of our container, volume and port names. */
export const ourNamePrefix = 'sallyport-';

/** Directory of the projected token and first-contact anchors in the sidecar. */
export const identityDirectory = '/var/run/secrets/sallyport';
