import { randomUUID } from 'node:crypto';
import { type Cancel, type Clock, every } from '../../runtime/clock.ts';
import { type RandomBytes, uniformBetween } from '../../runtime/random.ts';
import type { AttestedPod } from '../attestation/ports.ts';
import type { CompiledAccess, StreamMessage } from '../client/messages.ts';
import type { DirectoryAnswer } from '../peers/directory.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import type { Caller } from './caller.ts';

/** Where a stream's lines go. */
export interface StreamSink {
  /** One line without its newline. False when the reader is too slow to keep: the stream is then over. */
  write(line: string): boolean;
  end(): void;
}

/** What a stream tells, asked anew each time something may have changed. */
export interface StreamSources {
  readonly bundles: () => Extract<StreamMessage, { type: 'bundles' }> | undefined;
  readonly policyOf: (pod: AttestedPod) => { readonly access: CompiledAccess; readonly networkPolicySeen: boolean };
  readonly lookUp: (key: string) => DirectoryAnswer;
  /** The pod as the watch has it now; undefined when it is gone. */
  readonly podOf: (caller: Caller) => AttestedPod | undefined;
}

export interface StreamOptions {
  readonly sources: StreamSources;
  /** `host:port` of this replica, for `hello`. */
  readonly address: () => string;
  readonly maximum: number;
  /** A change is pushed within this time, at a moment drawn per stream, so that thousands do not answer at once. */
  readonly splayMs: number;
  /** Told the number of open streams whenever it changes. */
  readonly onCount: (open: number) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** The open streams of this replica. */
export interface WorkloadStreams {
  /**
   * Greets and sends everything; further messages follow until the SVID ends, the pod is gone, has opened too many others, or `close` is called. Gives the stream's
   * closing.
   */
  open(caller: Caller, sink: StreamSink): Granted<{ readonly close: () => void }>;
  /** Changes what a stream follows. */
  follow(stream: string, podUid: string, subscribe: readonly string[], drop: readonly string[]): Granted<undefined>;
  /** Whether this pod has that stream here. */
  has(stream: string, podUid: string): boolean;
  /** Something may have changed: every stream says what it has not said yet. */
  refresh(): void;
  count(): number;
  closeAll(): void;
}

const heartbeatMs = 15_000;
const keysPerStream = 10_000;
/** A sidecar holds one, and for a moment the next beside it: the rest of this replica's streams are for others. */
const streamsPerPod = 4;

interface Open {
  readonly id: string;
  readonly caller: Caller;
  readonly sink: StreamSink;
  readonly said: Map<string, string>;
  readonly keys: Set<string>;
  readonly cancels: Cancel[];
  push: Cancel | undefined;
}

/** Streams as state: what each has been told, so that only news is sent. */
export function createStreams(options: StreamOptions): WorkloadStreams {
  const { sources, clock, random } = options;
  const streams = new Map<string, Open>();
  // Grows across restarts too, so that no sidecar takes a later policy for an older one.
  let generation = Math.floor(clock.now().getTime() / 1000);
  const nextGeneration = (): number => {
    generation += 1;
    return generation;
  };

  const close = (stream: Open): void => {
    if (streams.delete(stream.id)) {
      options.onCount(streams.size);
      stream.cancels.forEach((cancel) => cancel());
      stream.push?.();
      stream.sink.end();
    }
  };
  const send = (stream: Open, message: StreamMessage): void => {
    if (streams.has(stream.id) && !stream.sink.write(JSON.stringify(message))) {
      close(stream);
    }
  };
  /** Says `content` under `topic` unless it was the last thing said there. */
  const sayNew = (stream: Open, topic: string, content: unknown, message: () => StreamMessage): void => {
    const text = JSON.stringify(content);
    if (stream.said.get(topic) !== text) {
      stream.said.set(topic, text);
      send(stream, message());
    }
  };
  const sayDestination = (stream: Open, key: string): void => {
    const answer = sources.lookUp(key);
    sayNew(stream, `destination ${key}`, answer, () => ({
      type: 'destination',
      destination: { ...answer, generation: nextGeneration() },
    }));
  };
  const sayAll = (stream: Open): void => {
    const pod = sources.podOf(stream.caller);
    if (pod === undefined) {
      close(stream);
      return;
    }
    const bundles = sources.bundles();
    if (bundles !== undefined) {
      sayNew(stream, 'bundles', bundles, () => bundles);
    }
    const policy = sources.policyOf(pod);
    sayNew(stream, 'policy', policy, () => ({ type: 'policy', generation: nextGeneration(), ...policy }));
    stream.keys.forEach((key) => sayDestination(stream, key));
  };
  const pushLater = (stream: Open): void => {
    stream.push ??= clock.after(uniformBetween(random, 0, options.splayMs), () => {
      stream.push = undefined;
      sayAll(stream);
    });
  };
  const find = (id: string, podUid: string): Open | undefined => {
    const stream = streams.get(id);
    return stream?.caller.pod.uid === podUid ? stream : undefined;
  };

  return {
    open(caller, sink) {
      const [oldest, ...newer] = [...streams.values()].filter((stream) => stream.caller.pod.uid === caller.pod.uid);
      if (oldest !== undefined && newer.length >= streamsPerPod - 1) {
        close(oldest);
      }
      if (streams.size >= options.maximum) {
        return refuse('overloaded', { retryAfterSeconds: uniformBetween(random, 1, 10) });
      }
      const stream: Open = {
        id: randomUUID(),
        caller,
        sink,
        said: new Map(),
        keys: new Set(),
        cancels: [],
        push: undefined,
      };
      streams.set(stream.id, stream);
      options.onCount(streams.size);
      stream.cancels.push(
        every(clock, heartbeatMs, () => send(stream, { type: 'heartbeat' })),
        clock.after(Math.max(0, caller.svid.notAfter.getTime() - clock.now().getTime()), () => close(stream)),
      );
      send(stream, { type: 'hello', stream: stream.id, address: options.address() });
      sayAll(stream);
      return granted({ close: () => close(stream) });
    },
    follow(id, podUid, subscribe, drop) {
      const stream = find(id, podUid);
      if (stream === undefined) {
        return refuse('unknown-stream');
      }
      for (const key of drop) {
        stream.keys.delete(key);
        stream.said.delete(`destination ${key}`);
      }
      if (stream.keys.size + subscribe.length > keysPerStream) {
        return refuse('rate-limited', { detail: 'directory keys', retryAfterSeconds: 10 });
      }
      for (const key of subscribe) {
        stream.keys.add(key);
        sayDestination(stream, key);
      }
      return granted(undefined);
    },
    has: (id, podUid) => find(id, podUid) !== undefined,
    refresh: () => streams.forEach(pushLater),
    count: () => streams.size,
    closeAll: () => [...streams.values()].forEach(close),
  };
}
