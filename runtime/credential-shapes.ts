/*
 * Shapes by which a token or key gives itself away in any text: the last net under logs and audit records, not a detector (`webhook/credentials/` is that).
 * Each is bounded and anchored to a literal, so that none is slow on hostile text.
 */
const shapes: readonly RegExp[] = [
  /eyJ[\w-]{8,4096}\.[\w-]{8,}(?:\.[\w-]*)?/,
  /-----BEGIN [A-Z0-9 ]{1,40}-----/,
  /hv[sbr]\.[\w-]{20,}/,
  /(?:AKIA|ASIA)[0-9A-Z]{16}/,
  /gh[pousr]_\w{20,}/,
  /github_pat_\w{20,}/,
];

/** Whether a text holds something that looks like a JSON Web Token, PEM block, Vault token, AWS access key or GitHub token. */
export const looksLikeCredential = (text: string): boolean => shapes.some((shape) => shape.test(text));
