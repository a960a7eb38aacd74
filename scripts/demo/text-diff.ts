/** Lines that `after` has and `before` has not, and the reverse, with `context` lines around each: `+`, `-` and blank in front. */
export function textDiff(before: string, after: string, context = 1): string {
  const [a, b] = [before.split('\n'), after.split('\n')];
  // lengths[i][j]: longest common subsequence of a from i and b from j.
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row !== undefined) {
        row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  const lines: { readonly mark: ' ' | '+' | '-'; readonly text: string }[] = [];
  for (let [i, j] = [0, 0]; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j < b.length && (i === a.length || at(i, j + 1) >= at(i + 1, j))) {
      lines.push({ mark: '+', text: b[j] ?? '' });
      j += 1;
    } else {
      lines.push({ mark: '-', text: a[i] ?? '' });
      i += 1;
    }
  }
  const near = (index: number): boolean =>
    lines.slice(Math.max(0, index - context), index + context + 1).some(({ mark }) => mark !== ' ');
  return lines
    .filter((_, index) => near(index))
    .map(({ mark, text }) => `${mark} ${text}`)
    .join('\n');
}
