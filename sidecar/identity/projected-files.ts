import { readFile, stat } from 'node:fs/promises';
import { Secret } from '../../runtime/secret.ts';
import { parsePemCertificates } from '../../spiffe/pem.ts';
import { type X509Bundle, x509Bundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { IdentityFailure } from './identity-source.ts';

/** What the kubelet projects for the sidecar alone. Both files are read at every use: the kubelet rewrites them without telling. */
export interface ProjectedFiles {
  /** The pod's token. Rejects with `IdentityFailure` (`token-unreadable`). */
  token(): Promise<Secret>;
  /** Anchors for the authority's endpoint at first contact. Rejects with `IdentityFailure` (`trust-bundle-unreadable`). */
  anchors(): Promise<X509Bundle>;
  /** Changes when the token file does; empty while it cannot be looked at. */
  tokenVersion(): Promise<string>;
  /** When the token file was written; undefined while it cannot be looked at. */
  tokenWrittenAt(): Promise<Date | undefined>;
}

/** The files at the given paths. */
export function projectedFiles(paths: {
  readonly tokenFile: string;
  readonly trustBundleFile: string;
  readonly trustDomain: TrustDomain;
}): ProjectedFiles {
  const read = async (path: string, reason: string): Promise<string> => {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      throw new IdentityFailure('unavailable', { reason, cause });
    }
  };
  return {
    async token() {
      return new Secret((await read(paths.tokenFile, 'token-unreadable')).trim());
    },
    async anchors() {
      const text = await read(paths.trustBundleFile, 'trust-bundle-unreadable');
      const certificates = parsePemCertificates(text);
      if (!certificates.ok || certificates.value.length === 0) {
        throw new IdentityFailure('unavailable', { reason: 'trust-bundle-unreadable' });
      }
      return x509Bundle(paths.trustDomain, certificates.value);
    },
    async tokenVersion() {
      const found = await stat(paths.tokenFile).catch(() => undefined);
      return found === undefined ? '' : `${found.ino}-${found.mtimeMs}-${found.size}`;
    },
    async tokenWrittenAt() {
      const found = await stat(paths.tokenFile).catch(() => undefined);
      return found?.mtime;
    },
  };
}
