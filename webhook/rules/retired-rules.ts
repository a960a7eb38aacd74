/** Ids that once named a rule. They stay reserved for ever: audit logs, exemptions and dashboards still speak of them. */
export const retiredRules: readonly string[] = [];
