import type { KeyEntry, KeyKind } from '../keys/ring-key.ts';

/** The `TrustBundle` object of our domain, as the API server holds it. */
export interface StoredBundle {
  readonly entries: readonly KeyEntry[];
  readonly refreshHintSeconds: number;
  readonly sequenceBase: bigint;
  readonly generation: number;
  readonly resourceVersion: string;
  /** Ids whose withdrawal is final. */
  readonly withdrawn: readonly string[];
}

/** What we decide of it. */
export type BundleSpec = Pick<StoredBundle, 'entries' | 'refreshHintSeconds' | 'sequenceBase'>;

export interface KeyStatus {
  readonly id: string;
  readonly state: 'next' | 'current' | 'draining' | 'withdrawn';
  readonly activatedAt?: Date;
}

/**
 * Where the anchors outlive us. `write` without `resourceVersion` creates. A write gives the object as stored, or `conflict` when it is not the one that
 * was read. Failures of the API server reject; so does an object that cannot be read (`bundle-unreadable`).
 */
export interface TrustBundleStore {
  read(): Promise<StoredBundle | undefined>;
  write(spec: BundleSpec, resourceVersion: string | undefined): Promise<StoredBundle | 'conflict'>;
  writeStatus(keys: readonly KeyStatus[]): Promise<void>;
}

/** Where pods find the anchors of first contact: one ConfigMap per opted-in namespace. */
export interface FirstContactStore {
  /** Makes the ConfigMap hold exactly this. */
  put(namespace: string, caPem: string): Promise<void>;
}

/** What is told of a change of the bundle. */
export interface BundleChange {
  readonly sequence: bigint;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Whose doing: a founding, the schedule, or an edit that was put right. */
  readonly source: 'founding' | 'schedule' | 'restored';
}

/** A step in the life of a key. */
export interface KeyStep {
  readonly kind: 'activated' | 'drained' | 'pruned';
  readonly key: KeyEntry;
}

/** Where changes of trust are written down, durably, before they count. */
export interface TrustRecorder {
  bundleChanged(change: BundleChange): Promise<void>;
  keyStepped(step: KeyStep): Promise<void>;
}

export type { KeyKind };
