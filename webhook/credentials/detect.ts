import { hasAuthorization } from './authorization-value.ts';
import { hasConnectionPassword } from './connection-string.ts';
import { layersOf } from './encoded-text.ts';
import { readKeyName } from './key-name.ts';
import { readValue } from './passing-value.ts';
import { findPrivateKey } from './private-key.ts';
import { looksRandom } from './randomness.ts';

/** Where a value stands. Names of things and random values mean more in a Secret than elsewhere. */
export type Place = 'env' | 'secret';

/** A value under its key. `referableNames`: Secrets, ConfigMaps and ServiceAccounts of the namespace. */
export interface Candidate {
  readonly place: Place;
  readonly key: string;
  readonly value: string;
  readonly referableNames: ReadonlySet<string>;
  readonly weakDefaults: 'enforce' | 'warn';
}

/**
 * What was seen. `detector`: its id. `confidence`: `certain` and `likely` follow the mode of the rule, `possible` is a warning at most. `what`: in words, with the
 * length of long values and nothing else of them.
 */
export interface Detection {
  readonly detector: string;
  readonly confidence: 'certain' | 'likely' | 'possible';
  readonly what: string;
}

/** Characters of text that are judged in one object; beyond it a rule reports `undecidable`. */
export const longestJudged = 1_048_576;

/**
 * Says whether a value is a long-lived credential: by its own shape first, also under layers of base64, then by the name of its key, last (in a Secret) by how
 * random it looks. Undefined: no. Pure; time is linear in the value.
 */
export function detectCredential(candidate: Candidate): Detection | undefined {
  return byShape(candidate) ?? byName(candidate) ?? byRandomness(candidate);
}

function byShape({ key, value }: Candidate): Detection | undefined {
  for (const [depth, text] of layersOf(value).entries()) {
    const hidden = depth === 0 ? '' : ' under base64';
    const privateKey = findPrivateKey(text, key);
    if (privateKey !== undefined) {
      return privateKey === 'clear'
        ? { detector: 'K6', confidence: 'certain', what: `a private key${hidden}` }
        : { detector: 'K6', confidence: 'possible', what: `an encrypted private key${hidden}` };
    }
    if (hasConnectionPassword(text)) {
      return { detector: 'K10', confidence: 'certain', what: `a connection string with a literal password${hidden}` };
    }
    if (hasAuthorization(text)) {
      return { detector: 'authorization', confidence: 'certain', what: `a literal Authorization value${hidden}` };
    }
  }
  return undefined;
}

function byName({ key, value, referableNames, weakDefaults }: Candidate): Detection | undefined {
  const { reading, noun, areDigitsSecret } = readKeyName(key, value);
  if (reading === 'plain') {
    return undefined;
  }
  const what = `a literal ${noun}${length(value)}`;
  switch (readValue({ value, areDigitsSecret, referableNames })) {
    case 'pass':
      return undefined;
    case 'placeholder':
      return { detector: 'key-name', confidence: 'possible', what: `a ${noun} that nobody has filled in` };
    case 'hash':
      return { detector: 'key-name', confidence: 'possible', what: `the hash of a ${noun}` };
    case 'weak':
      return { detector: 'key-name', confidence: weakDefaults === 'warn' ? 'possible' : 'likely', what };
    case 'literal':
      return { detector: 'key-name', confidence: 'likely', what };
  }
}

/** Said only of long values: the length of a short one would help to guess it. */
function length(value: string): string {
  return value.length >= 20 ? ` of ${value.length} characters` : '';
}

function byRandomness({ place, key, value, referableNames }: Candidate): Detection | undefined {
  const isSilent =
    place !== 'secret' ||
    isPublic(value) ||
    readValue({ value, areDigitsSecret: false, referableNames }) === 'pass' ||
    readKeyName(key, value).reading === 'credential';
  return isSilent || !looksRandom(value)
    ? undefined
    : { detector: 'randomness', confidence: 'possible', what: `a value of ${value.trim().length} random characters` };
}

/** Certificates, public keys and identifiers of content or things. */
function isPublic(value: string): boolean {
  const text = value.trim();
  return (
    /^(?:ssh-(?:rsa|ed25519)|ecdsa-sha2-\S{1,40}) /.test(text) ||
    text.startsWith('-----BEGIN CERTIFICATE') ||
    /^(?:sha256:|sha512[:-]|sha256-)/.test(text) ||
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
  );
}
