import { refusalReasons as authorityReasons } from '../../authority/refusal.ts';
import { publicForms } from '../../authority/server/problem.ts';
import { failureFamilies, type Meaning } from './failure-meanings.ts';
import { authorityRemedies, connectionEnds, connectionRefusals, spiffeProblems } from './reason-meanings.ts';

const preface = `# Errors, refusals and their words

Printed from the code; change \`scripts/generate/*-meanings.ts\` and run \`npm run generate\`.

A *failure* is our fault or a dependency's, a *refusal* a connection or an issuance that was not granted, a *denial* an object that breaks a rule
([rules.md](rules.md)). Each has one word, the same in answer, log, metric and audit event. Words are never renamed or reused; programs branch on them, never on a sentence.`;

/** `docs/errors.md`: every failure code, refusal reason, end and SPIFFE problem, with what it means and what to do. */
export function printErrorsDocs(): string {
  const families = failureFamilies.map(
    ({ name, title, codes }) => `### ${title}\n\n\`${name}\`\n\n${table('code', codes)}`,
  );
  return `${[
    preface,
    '## Failures',
    ...families,
    '## Refusals of the authority',
    'Statuses 400, 401 and 403 are final for the token that was shown; 429 and 503 say when to come back.',
    authorityTable(),
    '## Refused connections',
    table('reason', connectionRefusals),
    '## Ends of connections',
    table('end', connectionEnds),
    '## Problems of SPIFFE IDs, certificates and bundles',
    table('code', spiffeProblems),
  ].join('\n\n')}\n`;
}

function table(heading: string, meanings: Readonly<Record<string, Meaning>>): string {
  const rows = Object.entries(meanings).map(
    ([code, { meaning, remedy }]) => `| \`${code}\` | ${meaning} | ${remedy} |`,
  );
  return [`| ${heading} | what it means | what to do |`, '| --- | --- | --- |', ...rows].join('\n');
}

function authorityTable(): string {
  const rows = authorityReasons.map((reason) => {
    const { status, message } = publicForms[reason];
    return `| \`${reason}\` | ${status} | ${message} | ${authorityRemedies[reason]} |`;
  });
  return ['| reason | status | what it means | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
