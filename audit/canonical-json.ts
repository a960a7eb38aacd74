/**
 * JSON in the one form of RFC 8785: members sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript prints them. Members that are
 * undefined are left out. Throws `TypeError` for what JSON cannot hold: NaN, lone surrogates, bigints, functions, anything but plain objects and arrays.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) {
        throw new TypeError('a number that JSON cannot hold');
      }
      return JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
    default:
      throw new TypeError(`${typeof value} has no JSON form`);
  }
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) {
    throw new TypeError('a lone surrogate has no JSON form');
  }
  return JSON.stringify(text);
}

/** `Array.from` shows a hole as undefined, which is refused; `map` would leave it out and print `[,]`. */
function canonicalArray(items: readonly unknown[]): string {
  return `[${Array.from(items, (item) => canonicalJson(item)).join(',')}]`;
}

function canonicalObject(object: object): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('an object with a class has no JSON form of its own');
  }
  const members = new Map<string, unknown>(Object.entries(object));
  // Without a comparison `sort` is by UTF-16 code units.
  const texts = [...members.keys()].sort().flatMap((name) => {
    const member = members.get(name);
    return member === undefined ? [] : [`${canonicalString(name)}:${canonicalJson(member)}`];
  });
  return `{${texts.join(',')}}`;
}
