/*
 * What a key's name says about its value, judged by whole words and never by entropy: of public manifests, names read this way find nearly all literals and
 * little else. Each entry of the word lists is there because real objects needed it.
 */

/** What a name says: `credential`, the value under it is one unless it passes; `plain`, only the value itself can speak. */
export interface KeyName {
  readonly reading: 'credential' | 'plain';
  /** What a person calls the value: `password`, `token`, `key`, `secret`, `credential`. */
  readonly noun: string;
  /** A number of four digits and more is a credential too: passwords, passcodes, PINs. */
  readonly areDigitsSecret: boolean;
}

const stems: ReadonlyMap<string, string> = new Map([
  ...['password', 'passwd', 'passwrd', 'pwd', 'passphrase', 'passcode', 'requirepass', 'masterauth'].map(
    called('password'),
  ),
  ...['secret', 'secrets'].map(called('secret')),
  ...['token', 'tokens', 'bearer'].map(called('token')),
  ...['credential', 'credentials', 'creds', 'htpasswd', 'kubeconfig', 'dockerconfigjson'].map(called('credential')),
]);

/** Words that mean a credential only side by side. */
const pairs: ReadonlyMap<string, string> = new Map([
  ...[
    'api',
    'access',
    'secret',
    'private',
    'signing',
    'encryption',
    'master',
    'storage',
    'account',
    'shared',
    'auth',
  ].flatMap((word) => [called('key')(`${word} key`), called('key')(`${word} keys`)]),
  ...['client secret', 'cookie secret', 'webhook secret'].map(called('secret')),
  called('token')('sas token'),
  called('credential')('auth header'),
]);

/** Most words begin no pair and hold no part; every variable of every container comes by here, so that is asked first. */
const pairHeads: ReadonlySet<string> = new Set([...pairs.keys()].map((pair) => pair.slice(0, pair.indexOf(' '))));

const gluedPairs: ReadonlyMap<string, string> = new Map(
  [...pairs].map(([pair, noun]) => [pair.replace(' ', ''), noun]),
);

/** Parts of a word that give it away however it is glued together. */
const glued: readonly (readonly [string, string])[] = [
  ['password', 'password'],
  ['passwd', 'password'],
  ['apikey', 'key'],
  ['secretkey', 'key'],
  ['accesskey', 'key'],
  ['privatekey', 'key'],
];

const isGlued = new RegExp(glued.map(([part]) => part).join('|'));

/** Last words that turn a credential's name into the name of something about it. */
const harmlessEndings: ReadonlySet<string> = new Set(
  (
    'name names namespace path file files dir directory url uri endpoint host hostname port policy mode type kind format enabled disabled enable required ' +
    'ttl timeout interval expiry expiration lifetime age rotation length len size count limit min max rounds id ids ref refs image images provider realm ' +
    'issuer audience audiences prefix suffix regex pattern algorithm alg version user username group role scope cidr cidrs hash selector backend source encryption'
  ).split(' '),
);

const switches: ReadonlySet<string> = new Set(['max', 'enable', 'use', 'disable']);
const plain: KeyName = { reading: 'plain', noun: '', areDigitsSecret: false };

function called(noun: string): (word: string) => readonly [string, string] {
  return (word) => [word, noun];
}

/**
 * Reads a key's name, however it is spelled: `DB_PASSWORD`, `dbPassword`, `spring.datasource.password`, with invisible or full-width letters. A name that mixes
 * scripts imitates another and is read as a credential's. `value` matters only for switches (`use_token: true`).
 */
export function readKeyName(name: string, value = ''): KeyName {
  const words = wordsOf(name);
  const noun = nounOf(words);
  if (noun === undefined) {
    return hasMixedScripts(name) ? { reading: 'credential', noun: 'credential', areDigitsSecret: false } : plain;
  }
  if (hasHarmlessEnding(words) || isNameOfSomething(words) || isSwitch(words, value)) {
    return plain;
  }
  return { reading: 'credential', noun, areDigitsSecret: noun === 'password' || words.includes('pin') };
}

/** Lower-case words of a name without trailing digits; separators and changes of case part them. */
export function wordsOf(name: string): readonly string[] {
  return normalised(name)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[\s_\-./:]+/)
    .map((word) => word.toLowerCase().replace(/[0-9]+$/, ''))
    .filter((word) => word !== '');
}

/** NFKC, and nothing that cannot be seen: format and control characters, accents. */
function normalised(name: string): string {
  if (/^[ -~]*$/.test(name)) {
    return name;
  }
  return name
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Cc}]/gu, '')
    .normalize('NFD')
    .replace(/\p{M}/gu, '');
}

function hasMixedScripts(name: string): boolean {
  const text = normalised(name);
  return /[^ -~]/.test(text) && /\p{Script=Latin}/u.test(text) && /(?!\p{Script=Latin})\p{L}/u.test(text);
}

function nounOf(words: readonly string[]): string | undefined {
  for (let index = 0; index < words.length; index += 1) {
    const noun = nounAt(words, index);
    if (noun !== undefined) {
      return noun;
    }
  }
  return words.at(-1) === 'pass' ? 'password' : undefined;
}

function nounAt(words: readonly string[], index: number): string | undefined {
  const word = words[index] ?? '';
  return (
    stems.get(word) ??
    (pairHeads.has(word) ? pairs.get(`${word} ${words[index + 1] ?? ''}`) : undefined) ??
    gluedPairs.get(word) ??
    (isGlued.test(word) ? glued.find(([part]) => word.includes(part))?.[1] : undefined)
  );
}

function hasHarmlessEnding(words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (last === 'header') {
    return before !== 'auth';
  }
  // `passwordKey` says under which key a password lies. `SECRET_KEY` is a key itself.
  const isKeyName = last === 'key' && (before === 'password' || before === 'token');
  return isKeyName || harmlessEndings.has(last);
}

/** `existingSecret`, `imagePullSecrets` and `initial-cluster-token` hold names of things. */
function isNameOfSomething(words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const isSecretName =
    (last === 'secret' || last === 'secrets') && (words.includes('existing') || words.at(-2) === 'pull');
  return isSecretName || words.slice(-3).join(' ') === 'initial cluster token';
}

/** `ALLOW_EMPTY_PASSWORD=yes`, `MAX_TOKENS=4096`, `use_token: true`. */
function isSwitch(words: readonly string[], value: string): boolean {
  const isNamedSwitch = switches.has(words[0] ?? '') || words.slice(-3).join(' ') === 'allow empty password';
  return isNamedSwitch && /^(?:true|false|yes|no|on|off|[0-9]{1,12})$/i.test(value.trim());
}
