import { jsonWebTokenLifetimeSeconds } from './json-web-token.ts';

/*
 * Values that are no credential although their key is called like one. Everything here is anchored and linear in the length of the value.
 */

export interface PassingQuestion {
  readonly value: string;
  /** Numbers of four digits and more do not pass. */
  readonly areDigitsSecret: boolean;
  /** Names of Secrets, ConfigMaps and ServiceAccounts of the namespace. */
  readonly referableNames: ReadonlySet<string>;
}

/** `pass`: no credential. `placeholder`: none yet, somebody forgot to fill it in. `hash`: the hash of a password. `weak`: a well-known literal. `literal`: the rest. */
export type ValueReading = 'pass' | 'placeholder' | 'hash' | 'weak' | 'literal';

const longestLiving = 3600;

/** What kind of thing a value under a credential's name is. */
export function readValue({ value, areDigitsSecret, referableNames }: PassingQuestion): ValueReading {
  const text = value.trim();
  if (text === '' || isWord(text) || isDuration(text) || isNumber(text, areDigitsSecret)) {
    return 'pass';
  }
  if (isForgotten(text)) {
    return 'placeholder';
  }
  if (isTemplate(text) || isPlace(text) || isReference(text) || referableNames.has(text) || isEmptyStructure(text)) {
    return 'pass';
  }
  if (isHash(text)) {
    return 'hash';
  }
  const lifetime = jsonWebTokenLifetimeSeconds(text);
  if (lifetime !== undefined && lifetime <= longestLiving) {
    return 'pass';
  }
  return weakLiterals.has(text.toLowerCase().replace(/[-_]/g, '')) ? 'weak' : 'literal';
}

function isWord(text: string): boolean {
  return /^(?:true|false|yes|no|on|off|enabled|disabled|none|null|nil)$/i.test(text);
}

function isDuration(text: string): boolean {
  return /^(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h|d|w|y)){1,6}$/.test(text);
}

function isNumber(text: string, areDigitsSecret: boolean): boolean {
  return /^[-+]?[0-9]{1,32}(?:\.[0-9]{1,32})?$/.test(text) && !(areDigitsSecret && text.length >= 4);
}

/** Left over from a template that somebody should have filled in. */
function isForgotten(text: string): boolean {
  return /^(?:replace[-_ ]?(?:me|this)|your[-_ ].{1,200}|[xX]{3,}|\*{3,})$/i.test(text);
}

/** Nothing but references that somebody else fills in, and what stands between them. */
function isTemplate(text: string): boolean {
  const isSample = /^(?:INSERT_[A-Z0-9_]{1,200}|[A-Z0-9_]{1,200}_VAL)$/.test(text) || /^(.)\1+$/u.test(text);
  return isSample || (/[$<{%]/.test(text) && isOnlyReferences(text));
}

function isOnlyReferences(text: string): boolean {
  const rest = withoutReferences(text);
  return rest !== text && !/[\p{L}\p{N}]/u.test(rest);
}

/**
 * The value without `$(VAR)`, `${VAR}`, `{{ template }}`, `<placeholder>` and `%s`. A default, `${VAR:-value}`, stays: it is a literal like any other.
 * `$$(VAR)` is an escape and stays.
 */
export function withoutReferences(text: string): string {
  return text
    .replace(/(?<!\$)\$\([A-Za-z_][\w.-]{0,200}\)/g, '')
    .replace(
      /\$\{[A-Za-z_][\w.-]{0,200}(?::?[-=?+]([^{}]{0,1000}))?\}/g,
      (_, fallback: string | undefined) => fallback ?? '',
    )
    .replace(/\{\{[^{}]{0,1000}\}\}/g, '')
    .replace(/<[^<>]{1,200}>/g, '')
    .replace(/%[sdvq]/g, '');
}

/** A file, or a URL that carries nobody's name and password. */
function isPlace(text: string): boolean {
  const isPath = /^(?:\/[\w.@~-]{1,255}){1,64}\/?$/.test(text) && (text.lastIndexOf('/') > 0 || text.length < 20);
  const isFile = /^@(?:[./~][\w./~-]{0,1000}|[\w-]{1,200}\.[a-z]{1,10})$/.test(text);
  const isUrl = /^[a-z][a-z0-9+.-]{1,30}:\/\/[^\s@]{0,2000}$/i.test(text);
  return isPath || isFile || isUrl;
}

/** A name under which somebody else keeps the value. */
function isReference(text: string): boolean {
  return (
    /^vault:[\w.-]{1,200}\/[\w./#-]{1,1000}$/.test(text) ||
    /^ref\+[a-z0-9]{1,30}:\/\/\S{1,1000}$/.test(text) ||
    /^op:\/\/\S{1,1000}$/.test(text) ||
    /^arn:aws[a-z-]{0,10}:secretsmanager:\S{1,1000}$/.test(text) ||
    /^projects\/[^/\s]{1,200}\/secrets\/[^\s]{1,500}$/.test(text) ||
    /^ENC\[[^\]\s]{1,10000}\]$/.test(text)
  );
}

function isEmptyStructure(text: string): boolean {
  return /^(?:\{\s{0,100}\}|\[\s{0,100}\]|\{\s{0,100}"auths"\s{0,100}:\s{0,100}\{\s{0,100}\}\s{0,100}\})$/.test(text);
}

function isHash(text: string): boolean {
  return /(?:^|:)(?:\$(?:2[abxy]|[156y]|apr1|argon2(?:i|d|id)|scrypt|pbkdf2[\w-]{0,20})\$\S{8,}|\{(?:SSHA|SHA|SMD5|CRYPT)[0-9]{0,3}\}\S{8,})$/.test(
    text,
  );
}

/** Literals that work as passwords in thousands of places; a dash or underscore changes nothing. */
const weakLiterals: ReadonlySet<string> = new Set(
  (
    'admin administrator changeit changeme default demo elastic example guest grafana letmein minio minio123 minioadmin mongo mysql opensearch pass passw0rd ' +
    'password password1 postgres postgresql qwerty rabbitmq redis root rootpassword secret superuser test toor user'
  ).split(' '),
);
