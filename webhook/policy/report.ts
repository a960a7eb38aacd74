import type { Finding } from './finding.ts';
import type { Rule } from './rule.ts';

/** A finding without what its rule gives: `values` fill the `{placeholders}` of the remediation. */
export interface Report extends Omit<Finding, 'rule' | 'fix'> {
  readonly values?: Readonly<Record<string, string>>;
}

/** The finding that a rule reports, its remediation filled in. A placeholder without a value stays as it is, which the rules' tests refuse. */
export function report(rule: Pick<Rule, 'id' | 'remediation'>, { values = {}, ...rest }: Report): Finding {
  const fix = rule.remediation.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? placeholder) : placeholder,
  );
  return { rule: rule.id, ...rest, fix };
}
