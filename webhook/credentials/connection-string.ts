import { readValue } from './passing-value.ts';

/*
 * K10: a password inside a connection string. Each form is found where its own syntax puts the password; what stands there passes like any other value (a
 * reference, a placeholder). Lines are read one by one and every step is linear in the line: a text of a megabyte may be made to be slow.
 */

const noNames: ReadonlySet<string> = new Set();

/** Whether a text, line by line, holds a connection string with a literal password in it. */
export function hasConnectionPassword(text: string): boolean {
  return hint.test(text) && text.split('\n').some((line) => userinfo(line) || goDataSource(line) || properties(line));
}

/** What every form has in it; most values have none of it. */
const hint = /@|(?:password|pwd|accountkey|sharedaccesskey)\s{0,5}=/i;

/** `scheme://user:password@host`, also without user (`redis://:password@host`). */
function userinfo(line: string): boolean {
  const form = /[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:@/?#'"<>]{0,256}:(?<password>[^\s/?#'"]{1,512})@/gi;
  return line.includes('://') && [...line.matchAll(form)].some(hasLiteral);
}

/** Go's form of MySQL: `user:password@tcp(host:3306)/name`. */
function goDataSource(line: string): boolean {
  return [...line.matchAll(/@(?:tcp6?|udp|unix)\(/g)].some(({ index }) => {
    const login =
      line
        .slice(Math.max(0, index - 640), index)
        .split(/[\s@"'=]/)
        .at(-1) ?? '';
    const colon = login.indexOf(':');
    return colon > 0 && isLiteral(login.slice(colon + 1));
  });
}

const passwordProperty =
  /(?:^|[\s;,?&"'({])(?:password|pwd|accountkey|sharedaccesskey)\s{0,5}=\s{0,5}(?<password>\{[^}]{1,512}\}|"[^"]{1,512}"|'[^']{1,512}'|[^\s;,&"']{1,512})/gi;

/** What stands beside the password in a connection string and makes it one. */
const companion =
  /(?:^|[\s;,?&"'({])(?:server|data source|host|hostaddr|addr|address|network address|driver|user|user id|uid|username|dbname|database|initial catalog|accountname|endpoint)\s{0,5}=|[a-z]:\/\/|:[0-9]{2,5},|LoginModule\s/i;

/** ADO.NET, ODBC, JDBC, libpq, JAAS, Redis: `password=` among other properties of the same line. */
function properties(line: string): boolean {
  return (
    [...line.matchAll(passwordProperty)].some(
      (match) => hasLiteral(match) && !isShell(match.groups?.['password'] ?? ''),
    ) && companion.test(line)
  );
}

/** A variable or command that a shell fills in: `$DB_PASSWORD`, `$(cat file)`. */
function isShell(password: string): boolean {
  return /^"?(?:\$[({]|\$[A-Z_][A-Z0-9_]*"?$|`)/.test(password);
}

function hasLiteral(match: RegExpMatchArray): boolean {
  return isLiteral(unquoted(match.groups?.['password'] ?? ''));
}

/** Without the quotes, or the braces of ODBC, around it. `{{ template }}` keeps its own. */
function unquoted(password: string): string {
  return password.replace(/^(["'])(.*)\1$/, '$2').replace(/^\{([^{}]*)\}$/, '$1');
}

function isLiteral(password: string): boolean {
  const reading = readValue({ value: decoded(password), areDigitsSecret: true, referableNames: noNames });
  return reading === 'literal' || reading === 'weak';
}

/** Percent-decoded where that works. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
