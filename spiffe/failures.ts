import { type Problem, refused } from '../runtime/parsed.ts';

/** Every reason word of this folder. A caller branches on these, never on the sentence. */
export type SpiffeProblemCode =
  | 'spiffe-id-malformed'
  | 'trust-domain-malformed'
  | 'pattern-malformed'
  | 'der-malformed'
  | 'pem-malformed'
  | 'certificate-malformed'
  | 'key-unsupported'
  | 'algorithm-unsupported'
  | 'chain-empty'
  | 'chain-too-long'
  | 'leaf-not-an-svid'
  | 'signer-not-allowed'
  | 'bundle-unknown'
  | 'bundle-mismatch'
  | 'bundle-empty'
  | 'issuer-unknown'
  | 'not-yet-valid'
  | 'expired'
  | 'signature-invalid'
  | 'path-length-exceeded'
  | 'critical-extension-unknown'
  | 'name-constraint-violated'
  | 'too-many-paths'
  | 'json-malformed'
  | 'bundle-malformed';

/** Where and by which clause a value broke the rules. */
export type ProblemDetails = Pick<Problem, 'clause' | 'offset' | 'path'>;

/** A problem of this folder. */
export function problem(code: SpiffeProblemCode, message: string, details: ProblemDetails = {}): Problem {
  return { code, message, ...details };
}

/** The refusal for a problem of this folder. */
export function refuse(
  code: SpiffeProblemCode,
  message: string,
  details: ProblemDetails = {},
): { readonly ok: false; readonly problem: Problem } {
  return refused(problem(code, message, details));
}
