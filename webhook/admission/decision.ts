import type { JudgedFinding } from '../evaluator.ts';
import type { JsonObject } from './request.ts';

/**
 * What becomes of a request. A failure is no decision: it is thrown (`failures.ts`) and becomes a 5xx, never a denial.
 *
 * `patch`: base64 of a JSON Patch from the object as received; present only if something changes. `annotations`: bare audit annotation keys.
 */
export type Decision =
  | {
      readonly kind: 'allowed';
      readonly patch?: string | undefined;
      readonly warnings: readonly string[];
      readonly annotations: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'denied';
      readonly message: string;
      readonly findings: readonly JudgedFinding[];
      readonly annotations: Readonly<Record<string, string>>;
    };

/** `AdmissionResponse` of admission.k8s.io/v1, as it is sent. */
export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: DenialStatus;
  readonly patch?: string;
  readonly patchType?: 'JSONPatch';
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export interface DenialStatus {
  readonly status: 'Failure';
  readonly code: 403;
  readonly reason: 'Forbidden';
  readonly message: string;
  readonly details: {
    readonly causes: readonly { readonly reason: string; readonly field: string; readonly message: string }[];
  };
}

/** An object that was to be stored: null when denied, on DELETE and on CONNECT. */
export type StoredObject = JsonObject | null;
