import { isObject, type Json, type JsonObject, objectsAt, textAt, textMapAt, textsAt, valueAt } from './json.ts';
import { badRequest } from './status.ts';

/** Does the object belong to what was asked for? */
export type Selector = (object: JsonObject) => boolean;

/** A `labelSelector` of a query: `a=b,c!=d,e in (f,g),!h,i`. Throws a 400 on anything else. */
export function parseLabelSelector(text: string): Selector {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (object) => {
    const labels = textMapAt(object, 'metadata', 'labels');
    return requirements.every((requirement) => requirement(labels));
  };
}

/** A `fieldSelector` of a query: `metadata.name=x,spec.nodeName!=y`. Any path of text fields is served; the real server knows a few per kind. */
export function parseFieldSelector(text: string): Selector {
  const terms = text.split(',').filter((term) => term !== '');
  const tests = terms.map((term): Selector => {
    const match = /^([\w.]+)(==|!=|=)(.*)$/.exec(term);
    if (match === null) {
      throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
    }
    const [, path = '', operator, expected = ''] = match;
    return (object) => (fieldText(object, path) === expected) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}

/** A LabelSelector object (`matchLabels`, `matchExpressions`) over labels. An absent one selects nothing, an empty one everything. */
export function matchesLabelSelector(selector: Json | undefined, labels: ReadonlyMap<string, string>): boolean {
  if (!isObject(selector)) {
    return false;
  }
  const pairs = [...textMapAt(selector, 'matchLabels')];
  return (
    pairs.every(([key, value]) => labels.get(key) === value) &&
    objectsAt(selector, 'matchExpressions').every((expression) => matchesExpression(expression, labels))
  );
}

type Requirement = (labels: ReadonlyMap<string, string>) => boolean;

function fieldText(object: JsonObject, path: string): string {
  const value = valueAt(object, ...path.split('.'));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function matchesExpression(expression: JsonObject, labels: ReadonlyMap<string, string>): boolean {
  const value = labels.get(textAt(expression, 'key'));
  const values = textsAt(expression, 'values');
  switch (textAt(expression, 'operator')) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

function splitOutsideParentheses(text: string): readonly string[] {
  return (text.match(/[^,(]+(\([^)]*\))?|\([^)]*\)/g) ?? []).map((part) => part.trim()).filter((part) => part !== '');
}

function parseRequirement(text: string): Requirement {
  const set = /^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => {
      const value = labels.get(key);
      return operator === 'in'
        ? value !== undefined && values.includes(value)
        : value === undefined || !values.includes(value);
    };
  }
  const pair = /^([\w./-]+)\s*(==|!=|=)\s*([\w.-]*)$/.exec(text);
  if (pair !== null) {
    const [, key = '', operator, expected] = pair;
    return (labels) => (labels.get(key) === expected) === (operator !== '!=');
  }
  const presence = /^(!?)\s*([\w./-]+)$/.exec(text);
  if (presence !== null) {
    const [, not, key = ''] = presence;
    return (labels) => labels.has(key) === (not === '');
  }
  throw badRequest(`unable to parse requirement: ${text}`);
}
