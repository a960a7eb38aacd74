import { withoutReferences } from './passing-value.ts';

/** The value of an HTTP `Authorization` header, alone or after its name, with a literal bearer token or `user:password` in it. Certain under any key. */
export function hasAuthorization(text: string): boolean {
  const value = text.trim();
  return isScheme(value) || headerValues(value).some(isScheme);
}

function headerValues(text: string): readonly string[] {
  const header =
    /authorization["']?\s{0,5}[:=]\s{0,5}["']?(?<value>(?:bearer|basic)(?:\s|%20){1,5}[^\s"',;]{1,4096})/gi;
  return [...text.matchAll(header)].map((match) => (match.groups?.['value'] ?? '').replace('%20', ' '));
}

function isScheme(value: string): boolean {
  const [, scheme = '', parameter = ''] = /^(bearer|basic)\s{1,5}(\S{1,8192})$/i.exec(value) ?? [];
  if (parameter === '' || withoutReferences(parameter) !== parameter) {
    return false;
  }
  return scheme.toLowerCase() === 'bearer' ? parameter.length >= 6 : isLogin(parameter);
}

/** Base64 of `user:password`, both there. */
function isLogin(parameter: string): boolean {
  const text = Buffer.from(parameter, 'base64').toString('utf8');
  return /^[A-Za-z0-9+/_-]{4,}={0,2}$/.test(parameter) && /^[^:\p{Cc}]{1,512}:[^\p{Cc}]{1,4096}$/u.test(text);
}
