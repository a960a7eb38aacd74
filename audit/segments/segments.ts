/** What a log was left with: its last whole line, if it has any. `torn` says that half a line after it was cut away. */
export interface Recovered {
  readonly lastLine: string | undefined;
  readonly torn: boolean;
}

/** Where the lines of one log lie: appended to, never rewritten. */
export interface Segments {
  /** Opens for appending after the last whole line. */
  open(): Promise<Recovered>;
  /** Writes whole lines; when it resolves, another process would read them. `firstSeq` names a segment begun here. */
  write(lines: readonly string[], firstSeq: number): Promise<void>;
  /** Resolves when everything written would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
