/** A variable of a container: its literal value, undefined when it comes from somewhere else. */
export interface Variable {
  readonly name: string;
  readonly value: string | undefined;
}

const longestExpanded = 1_048_576;
const reference = /\$(\$|\([A-Za-z_][\w.-]{0,200}\))/g;

/**
 * The values that the kubelet hands to the process: `$(NAME)` is replaced by an earlier literal variable of the same container, `$$` is an escaped dollar. What
 * refers to anything else stays as it is written, a reference. Undefined when the whole grows beyond 1 MiB, as a chain of doublings does.
 */
export function expandVariables(variables: readonly Variable[]): readonly Variable[] | undefined {
  const known = new Map<string, string>();
  const expanded: Variable[] = [];
  let total = 0;
  for (const { name, value } of variables) {
    const result = value === undefined ? undefined : expand(value, known, longestExpanded - total);
    if (result === 'too-long') {
      return undefined;
    }
    const text = result?.text;
    total += text?.length ?? 0;
    expanded.push({ name, value: text });
    if (text === undefined) {
      known.delete(name);
    } else {
      known.set(name, text);
    }
  }
  return expanded;
}

function expand(
  value: string,
  known: ReadonlyMap<string, string>,
  room: number,
): { readonly text: string } | 'too-long' {
  let [text, from] = ['', 0];
  for (const match of value.matchAll(reference)) {
    const isEscape = match[1] === '$';
    const earlier = isEscape ? undefined : known.get(match[0].slice(2, -1));
    // An escape stays as it is written: `$$(X)` must not turn into a reference that passes.
    text += value.slice(from, match.index) + (earlier ?? match[0]);
    from = match.index + match[0].length;
    if (text.length > room) {
      return 'too-long';
    }
  }
  text += value.slice(from);
  return text.length > room ? 'too-long' : { text };
}
