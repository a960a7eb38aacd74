import type { Clock } from '../../../runtime/clock.ts';
import type { RandomBytes } from '../../../runtime/random.ts';
import type { JsonObject } from './json.ts';
import type { RbacObjects } from './rbac.ts';
import type { Exchange } from './request.ts';
import type { Registry } from './resources.ts';
import type { Store } from './storage.ts';
import type { TokenIssuer } from './tokens.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

/** A write on its way through admission. `object` of a DELETE is null, `oldObject` of a CREATE. */
export interface AdmissionCall {
  readonly exchange: Exchange;
  readonly operation: Operation;
  readonly name: string;
  readonly oldObject: JsonObject | null;
  /** CreateOptions, UpdateOptions or DeleteOptions. */
  readonly options: JsonObject;
}

/** What stands between a write and the store. Throws the status that refuses it. */
export interface Admission {
  /** Gives the object as plugins and mutating webhooks left it. */
  mutate(call: AdmissionCall, object: JsonObject | null): Promise<JsonObject | null>;
  validate(call: AdmissionCall, object: JsonObject | null): Promise<void>;
  /** Closes connections to webhooks. */
  close(): void;
}

/** How deletion of pods behaves. */
export interface PodLifecycle {
  /** `expected`: a deleted pod stays, terminating, until its kubelet deletes it with grace 0. `absent`: it goes at once. */
  readonly kubelet: 'expected' | 'absent';
}

/** Everything a request is served with. */
export interface Services extends PodLifecycle {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly store: Store;
  readonly registry: Registry;
  readonly rbac: RbacObjects;
  readonly tokens: TokenIssuer;
  readonly admission: Admission;
}
