import type { AdmissionResponse } from '../admission/decision.ts';
import { servedVersion } from './admission-review.ts';

/** The AdmissionReview that carries an answer, as JSON text (AR-01). */
export function encodeAdmissionReview(response: AdmissionResponse): string {
  return JSON.stringify({ apiVersion: servedVersion, kind: 'AdmissionReview', response });
}
