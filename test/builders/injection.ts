import type { InjectionSettings } from '../../webhook/injection/settings.ts';

/** The injector of a new installation. */
export const injectionSettings: InjectionSettings = {
  trustDomain: 'prod.example',
  image: `registry.example/sallyport@sha256:${'0'.repeat(64)}`,
  authorityAddress: 'sallyport-authority.sallyport-system.svc:8443',
  authorityId: 'spiffe://prod.example/ns/sallyport-system/sa/sallyport-authority',
  sidecarUid: 15_443,
  version: '0.1.0',
};
