import type { StreamMessage } from '../authority/client/messages.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { PolicyStore } from './access/policy-store.ts';
import { readReceivedBundles } from './identity/received-bundles.ts';
import type { SvidStore } from './identity/svid-store.ts';
import type { Directory } from './peers/directory.ts';

/** Who takes which message of the stream. */
export interface StreamSinks {
  readonly trustDomain: TrustDomain;
  readonly store: SvidStore;
  readonly policies: PolicyStore;
  readonly directory: Directory;
  readonly renewWithin: (splayMs: number) => void;
  readonly logger: Logger;
}

/** Gives each message to its store. Bundles that cannot be used are reported, and the ones held stay. */
export function takeMessage(message: StreamMessage, sinks: StreamSinks): void {
  switch (message.type) {
    case 'bundles': {
      const received = readReceivedBundles(message.bundles, message.sequence, sinks.trustDomain);
      if (received.ok) {
        sinks.store.acceptBundles(received.value);
      } else {
        sinks.logger.warn({ reason: received.problem.code }, 'bundles not usable');
      }
      return;
    }
    case 'policy':
      sinks.policies.accept(message);
      return;
    case 'destination':
      sinks.directory.accept(message.destination);
      return;
    case 'renew':
      sinks.renewWithin(message.splaySeconds * 1_000);
      return;
    case 'hello':
    case 'heartbeat':
      return;
  }
}
