const leastNormalisedEntropy = 0.8;

/**
 * Whether a value looks drawn at random: one line of 20 to 512 characters without spaces, of three classes of characters or a hex number of 32 digits, whose
 * Shannon entropy is at least 0.8 of what its length and alphabet allow. Proves nothing alone: digests, ids and public keys look alike.
 */
export function looksRandom(value: string): boolean {
  const text = value.trim();
  if (text.length < 20 || text.length > 512 || /\s/.test(text)) {
    return false;
  }
  const isHex = text.length >= 32 && /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(text);
  return (isHex || classesOf(text) >= 3) && normalisedEntropy(text, isHex ? 16 : 64) >= leastNormalisedEntropy;
}

function classesOf(text: string): number {
  return [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(text)).length;
}

/** Bits per character, divided by the most that `text.length` characters of this alphabet can have. */
function normalisedEntropy(text: string, alphabet: number): number {
  const counts = new Map<string, number>();
  for (const character of text) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const bits = [...counts.values()].reduce(
    (sum, count) => sum - (count / text.length) * Math.log2(count / text.length),
    0,
  );
  return bits / Math.log2(Math.min(text.length, alphabet));
}
