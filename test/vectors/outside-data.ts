import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of data with known verdicts that the repository does not carry, found through `SALLYPORT_VECTORS`. */
export interface OutsideData {
  readonly isAbsent: boolean;
  /** A file as text; `path` is relative to the folder. */
  read(path: string): string;
  /** A file of one JSON value a line. */
  readLines(path: string): unknown[];
}

/**
 * The folder `name` of the outside data. Absent: suites over it are to be skipped by `isAbsent`, and are counted.
 * With `SALLYPORT_VECTORS_REQUIRE=1` its absence throws, so that the suite fails instead.
 */
export function outsideData(name: string): OutsideData {
  const root = process.env['SALLYPORT_VECTORS'] ?? '';
  const folder = join(root, name);
  const isAbsent = root === '' || !existsSync(folder);
  if (isAbsent && process.env['SALLYPORT_VECTORS_REQUIRE'] === '1') {
    throw new Error(`outside data is required, but there is no folder ${name} under SALLYPORT_VECTORS`);
  }
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  return {
    isAbsent,
    read,
    readLines: (path) =>
      read(path)
        .split('\n')
        .filter((line) => line !== '')
        .map((line): unknown => JSON.parse(line)),
  };
}
