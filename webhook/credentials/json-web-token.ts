const longestToken = 16_384;

/**
 * The lifetime that a JSON Web Token states, `exp - iat`, in seconds; undefined when the text is none, and infinite when it never expires or does not say since
 * when. Decoded, never verified: whoever wrote it may have lied, which makes it no better as a credential.
 */
export function jsonWebTokenLifetimeSeconds(text: string): number | undefined {
  if (text.length > longestToken || !/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) {
    return undefined;
  }
  const claims = claimsOf(text.split('.')[1] ?? '');
  if (claims === undefined) {
    return undefined;
  }
  const { exp, iat } = claims;
  return typeof exp === 'number' && typeof iat === 'number' && exp >= iat ? exp - iat : Number.POSITIVE_INFINITY;
}

function claimsOf(part: string): { readonly exp?: unknown; readonly iat?: unknown } | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
