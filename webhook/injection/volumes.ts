import type { JsonObject } from '../admission/request.ts';
import { type InjectionSettings, injectedNames } from './settings.ts';

/** Audience of the tokens that one authority accepts: a token for another fails there. */
export const tokenAudience = (trustDomain: string): string => `sallyport-authority.${trustDomain}`;

/** The pod-bound token and the anchors of first contact, in one projected volume that only the sidecar mounts. */
export function identityVolume({ trustDomain }: InjectionSettings): JsonObject {
  return {
    name: injectedNames.identityVolume,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { audience: tokenAudience(trustDomain), expirationSeconds: 3600, path: 'token' } },
        { configMap: { name: injectedNames.trustBundleConfigMap, items: [{ key: 'ca.pem', path: 'ca.pem' }] } },
      ],
    },
  };
}
