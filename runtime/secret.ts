import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const printed = '[secret]';

/** A value that cannot be printed: every way to text gives `[secret]`. Ask for it by name, `expose()`, at the point of use. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Every call is a place to look at in review. */
  expose(): string {
    return this.#value;
  }

  /** Compares in time that depends on the lengths only. */
  equals(other: Secret): boolean {
    const mine = Buffer.from(this.#value);
    const theirs = Buffer.from(other.#value);
    return mine.length === theirs.length && timingSafeEqual(mine, theirs);
  }

  toString(): string {
    return printed;
  }

  toJSON(): string {
    return printed;
  }

  [inspect.custom](): string {
    return printed;
  }
}
