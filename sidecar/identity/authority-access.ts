import { type AuthorityClient, createAuthorityClient } from '../../authority/client/authority-client.ts';
import { AuthorityFailure } from '../../authority/client/failures.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import { tlsMaterial } from '../tls/contexts.ts';
import type { ProjectedFiles } from './projected-files.ts';
import type { HeldSvid } from './svid-store.ts';

/** Where the authority is and how it is known. */
export interface AuthorityAccessOptions {
  readonly address: string;
  readonly authorityId: SpiffeId;
  /** Source address of the dials. */
  readonly localAddress?: string;
  readonly files: ProjectedFiles;
  readonly clock: Clock;
}

/** With what to reach the authority: the SVID to show, and the anchors that came over the stream. */
export interface Credentials {
  readonly svid: HeldSvid | undefined;
  readonly anchors: X509Bundle | undefined;
}

/** Makes one client, uses it, and hands both back; the client is the caller's to close. A failed use has closed it. */
export type ReachAuthority = <T>(
  credentials: Credentials,
  use: (client: AuthorityClient) => Promise<T>,
) => Promise<{ readonly client: AuthorityClient; readonly result: T }>;

/**
 * How the authority is reached: its certificate is judged by the anchors of the stream; if they do not know its issuer, which happens after the authority has
 * lost all its keys, by the projected file as it is now.
 */
export function authorityAccess(options: AuthorityAccessOptions): ReachAuthority {
  return async (credentials, use) => {
    const { anchors } = credentials;
    if (anchors !== undefined) {
      try {
        return await useOnce(options, credentials, anchors, use);
      } catch (error) {
        if (!(error instanceof AuthorityFailure) || error.code !== 'untrusted') {
          throw error;
        }
      }
    }
    return useOnce(options, credentials, await options.files.anchors(), use);
  };
}

async function useOnce<T>(
  { address, authorityId, localAddress, clock }: AuthorityAccessOptions,
  { svid }: Credentials,
  anchors: X509Bundle,
  use: (client: AuthorityClient) => Promise<T>,
): Promise<{ client: AuthorityClient; result: T }> {
  const client = createAuthorityClient({
    address,
    authorityId,
    anchors,
    clock,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(svid === undefined ? {} : { identity: tlsMaterial(svid) }),
  });
  try {
    return { client, result: await use(client) };
  } catch (error) {
    client.close();
    throw error;
  }
}
