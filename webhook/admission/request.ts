/** JSON as it came; nothing is assumed about members. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: Json | undefined;
}

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Who asks, as the API server authenticated them. `extra` keys are lower-case; absent groups are an empty list. */
export interface Requester {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * One decoded `AdmissionRequest`. Judged by `kind`, shown as `requestKind` (AR-23). `object` is null on DELETE, `oldObject` on CREATE and CONNECT.
 * `namespace` is empty for cluster-scoped kinds; for a Namespace it is the namespace's own name, as the API server sends it. `name` may be empty
 * on a CREATE with `generateName`.
 */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: GroupVersionKind;
  readonly requestKind: GroupVersionKind;
  readonly resource: string;
  readonly subResource: string;
  readonly name: string;
  readonly namespace: string;
  readonly operation: Operation;
  readonly requester: Requester;
  readonly object: JsonObject | null;
  readonly oldObject: JsonObject | null;
  readonly options: JsonObject | null;
  readonly dryRun: boolean;
}
