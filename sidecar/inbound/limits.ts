import type { Clock } from '../../runtime/clock.ts';

/** Limits per source address and in all, counted before any cryptography: a handshake is the dearest thing a stranger can ask for. */
export interface InboundLimitSettings {
  readonly maxConnections: number;
  readonly connectionsPerSecond: number;
  readonly connectionBurst: number;
  readonly maxHandshakes: number;
  readonly maxWaitingHandshakes: number;
  readonly maxHandshakesPerAddress: number;
}

/** Gives the place in the handshakes back; harmless when called again. */
export type Release = () => void;

export interface InboundLimits {
  /** Counts a new connection; false when it is one too many. A counted one must be given back by `closed`. */
  accept(address: string): boolean;
  closed(): void;
  /** A place among the handshakes under way, perhaps after waiting; undefined when too many wait already. */
  handshake(address: string): Promise<Release | undefined>;
}

const maximumAddresses = 10_000;

/** Connections that fit into the memory: each may hold 72 KiB, and 80 MiB are the program's own. */
export function connectionsWithin(memoryLimitBytes: number): number {
  return Math.max(1, Math.floor((memoryLimitBytes - 80 * 1024 * 1024) / (72 * 1024)));
}

/** Nothing under way yet. */
export function createInboundLimits(settings: InboundLimitSettings, clock: Clock): InboundLimits {
  const rates = tokenBuckets(settings, clock);
  const handshakes = handshakePlaces(settings);
  let open = 0;
  return {
    accept(address) {
      const isAccepted = open < settings.maxConnections && rates.take(address);
      open += isAccepted ? 1 : 0;
      return isAccepted;
    },
    closed() {
      open -= 1;
    },
    handshake: handshakes.take,
  };
}

/** A bucket of `connectionBurst` per address, filled by `connectionsPerSecond`. Full buckets are forgotten when many addresses are known. */
function tokenBuckets(
  { connectionsPerSecond, connectionBurst }: InboundLimitSettings,
  clock: Clock,
): { take(address: string): boolean } {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const filled = ({ tokens, atMs }: { tokens: number; atMs: number }, nowMs: number): number =>
    Math.min(connectionBurst, tokens + ((nowMs - atMs) / 1_000) * connectionsPerSecond);
  return {
    take(address) {
      const nowMs = clock.monotonicMs();
      if (buckets.size >= maximumAddresses) {
        for (const [known, bucket] of buckets) {
          if (filled(bucket, nowMs) >= connectionBurst) {
            buckets.delete(known);
          }
        }
      }
      const bucket = buckets.get(address) ?? { tokens: connectionBurst, atMs: nowMs };
      const tokens = filled(bucket, nowMs);
      buckets.set(address, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
      return tokens >= 1;
    },
  };
}

function handshakePlaces(settings: InboundLimitSettings): { take(address: string): Promise<Release | undefined> } {
  const perAddress = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let underWay = 0;
  const release = (address: string): Release => {
    let isHeld = true;
    return () => {
      if (isHeld) {
        isHeld = false;
        count(perAddress, address, -1);
        const next = waiting.shift();
        if (next === undefined) {
          underWay -= 1;
        } else {
          // The place is handed on, so that nobody can slip in between.
          next();
        }
      }
    };
  };
  return {
    async take(address) {
      const mustWait = underWay >= settings.maxHandshakes;
      if (
        (perAddress.get(address) ?? 0) >= settings.maxHandshakesPerAddress ||
        (mustWait && waiting.length >= settings.maxWaitingHandshakes)
      ) {
        return undefined;
      }
      count(perAddress, address, 1);
      if (mustWait) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        underWay += 1;
      }
      return release(address);
    },
  };
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) {
    counts.delete(key);
  } else {
    counts.set(key, next);
  }
}
