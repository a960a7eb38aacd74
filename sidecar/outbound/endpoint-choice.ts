import type { Endpoint } from '../../authority/client/messages.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type RandomBytes, uniform } from '../../runtime/random.ts';

/** Remembers which endpoints are busy and which fail. */
export interface EndpointChoice {
  /**
   * The less busy of two ready endpoints drawn at random, among those not tried yet and not ejected; undefined when none is left. Zones are not looked at.
   */
  choose(endpoints: readonly Endpoint[], tried: ReadonlySet<Endpoint>): Endpoint | undefined;
  /** Counts a dial or connection until the function is called. */
  busy(endpoint: Endpoint): () => void;
  succeeded(endpoint: Endpoint): void;
  /** Three in a row eject the endpoint, unless half of `endpoints` are ejected already. */
  failed(endpoint: Endpoint, endpoints: readonly Endpoint[]): void;
}

interface Record {
  outstanding: number;
  failures: number;
  ejections: number;
  ejectedUntilMs: number;
}

const failuresInARow = 3;
const firstEjectionMs = 10_000;
const longestEjectionMs = 5 * 60_000;
const maximumRecords = 20_000;

/** Nothing known yet. `onEjected` is told of each ejection. */
export function createEndpointChoice(random: RandomBytes, clock: Clock, onEjected: () => void): EndpointChoice {
  const records = new Map<string, Record>();
  const recordOf = (endpoint: Endpoint): Record => {
    const key = `${endpoint.address} ${endpoint.port}`;
    const record = records.get(key) ?? { outstanding: 0, failures: 0, ejections: 0, ejectedUntilMs: 0 };
    records.set(key, record);
    forgetIdle(records);
    return record;
  };
  const isEjected = (endpoint: Endpoint): boolean => recordOf(endpoint).ejectedUntilMs > clock.monotonicMs();
  return {
    choose(endpoints, tried) {
      const open = endpoints.filter((endpoint) => endpoint.ready && !tried.has(endpoint));
      const healthy = open.filter((endpoint) => !isEjected(endpoint));
      const [first, second] = drawTwo(healthy.length > 0 ? healthy : open, random);
      return first !== undefined && second !== undefined && recordOf(second).outstanding < recordOf(first).outstanding
        ? second
        : first;
    },
    busy(endpoint) {
      const record = recordOf(endpoint);
      record.outstanding += 1;
      return () => {
        record.outstanding -= 1;
      };
    },
    succeeded(endpoint) {
      Object.assign(recordOf(endpoint), { failures: 0, ejections: 0 });
    },
    failed(endpoint, endpoints) {
      const record = recordOf(endpoint);
      record.failures += 1;
      if (record.failures >= failuresInARow && (endpoints.filter(isEjected).length + 1) * 2 <= endpoints.length) {
        record.ejectedUntilMs =
          clock.monotonicMs() + Math.min(longestEjectionMs, firstEjectionMs * 2 ** record.ejections);
        record.ejections += 1;
        record.failures = 0;
        onEjected();
      }
    },
  };
}

/** Two different ones where there are two. */
function drawTwo<T>(items: readonly T[], random: RandomBytes): readonly [T | undefined, T | undefined] {
  const first = Math.floor(uniform(random) * items.length);
  const offset = 1 + Math.floor(uniform(random) * Math.max(0, items.length - 1));
  return [items[first], items.length > 1 ? items[(first + offset) % items.length] : undefined];
}

function forgetIdle(records: Map<string, Record>): void {
  if (records.size > maximumRecords) {
    for (const [key, { outstanding }] of records) {
      if (outstanding === 0) {
        records.delete(key);
      }
    }
  }
}
