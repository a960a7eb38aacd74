import { decodeBase64, textOf } from './encoded-text.ts';

/** One key of a Secret. `member`: where it stands. `text`: its content; undefined when the base64 of it does not decode. */
export interface SecretEntry {
  readonly key: string;
  readonly member: 'data' | 'stringData';
  readonly text: string | undefined;
}

/** `data` and `stringData` as they came: nothing is assumed of the values. */
export interface RawSecret {
  readonly data: readonly (readonly [string, unknown])[];
  readonly stringData: readonly (readonly [string, unknown])[];
}

/**
 * The keys of a Secret with their content, `stringData` before `data` as the API server writes it. Numbers and booleans count as their text: the API server
 * refuses them, `sallyport check` sees them first. Null is empty.
 */
export function secretEntries({ data, stringData }: RawSecret): readonly SecretEntry[] {
  const winning = new Set(stringData.map(([key]) => key));
  return [
    ...stringData.map(([key, value]) => ({ key, member: 'stringData' as const, text: plainText(value) })),
    ...data
      .filter(([key]) => !winning.has(key))
      .map(([key, value]) => ({ key, member: 'data' as const, text: decodedText(value) })),
  ];
}

function plainText(value: unknown): string | undefined {
  if (value === null) {
    return '';
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

function decodedText(value: unknown): string | undefined {
  if (value === null) {
    return '';
  }
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
  return bytes?.ok === true ? textOf(bytes.value) : undefined;
}
