import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Documents, type Manifest, type Mistake, readDocuments } from './documents.ts';
import type { Terminal } from './terminal.ts';

/** Manifests longer than this are none. */
const largestFileBytes = 64 * 1024 * 1024;

/**
 * Everything that paths name, in their order: files, folders (recursively `*.yaml`, `*.yml`, `*.json`, by name; links are not followed), `-` for standard input.
 * What cannot be read is a mistake beside the rest.
 */
export async function readPaths(paths: readonly string[], terminal: Pick<Terminal, 'readInput'>): Promise<Documents> {
  const manifests: Manifest[] = [];
  const mistakes: Mistake[] = [];
  for (const path of paths) {
    const read = path === '-' ? [readDocuments('-', await terminal.readInput())] : await readPath(path);
    manifests.push(...read.flatMap((documents) => documents.manifests));
    mistakes.push(...read.flatMap((documents) => documents.mistakes));
  }
  return { manifests, mistakes };
}

/** One file's text, or the mistake that it cannot be read. */
export async function readText(file: string): Promise<string | Mistake> {
  try {
    const { size } = await stat(file);
    return size > largestFileBytes ? unreadable(file, 'larger than any manifest') : await readFile(file, 'utf8');
  } catch (error) {
    return unreadable(file, reasonOf(error));
  }
}

async function readPath(path: string): Promise<readonly Documents[]> {
  let files: readonly string[];
  try {
    files = (await stat(path)).isDirectory() ? await manifestFiles(path) : [path];
  } catch (error) {
    return [{ manifests: [], mistakes: [unreadable(path, reasonOf(error))] }];
  }
  return Promise.all(files.map(readFileDocuments));
}

async function readFileDocuments(file: string): Promise<Documents> {
  const text = await readText(file);
  return typeof text === 'string' ? readDocuments(file, text) : { manifests: [], mistakes: [text] };
}

async function manifestFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((left, right) => (left < right ? -1 : 1));
}

function unreadable(file: string, message: string): Mistake {
  return { file, document: 0, line: 1, code: 'unreadable', message };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    EACCES: 'not permitted',
    EISDIR: 'a folder',
  };
  return typeof code === 'string' ? (words[code] ?? code) : 'cannot be read';
}
