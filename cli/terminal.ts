/** What a command has to do with the world besides files. Time is an argument, as everywhere. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
  readInput(): Promise<string>;
  now(): Date;
  random(size: number): Uint8Array;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
