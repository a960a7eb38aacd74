import { z } from 'zod';
import { type AuditEventName, auditEvent, type EventClass, eventClass, recordStamp } from '../../audit/event.ts';

/** When each event is written: ends the sentence "Written when ...". */
const occasions: Readonly<Record<AuditEventName, string>> = {
  'identity.issued': 'an SVID was signed',
  'identity.renewed': 'an SVID was signed on the strength of a current one',
  'identity.denied': 'attestation or entitlement refused',
  'identity.discarded': 'an SVID that was recorded could not be handed out',
  'identity.degraded': 'a sidecar’s SVID is in its last hour and was not renewed',
  'identity.expired': 'a sidecar’s SVID ended and the sidecar closed',
  'access.granted': 'a connection over mTLS ended that was accepted',
  'access.denied': 'handshake, peer or policy refused a connection',
  'access.plaintext': 'a connection passed without mTLS',
  'access.self': 'a pod called itself through its own Service',
  'access.summary': 'a minute of connections of one direction, kind, peer and port is over',
  'admission.mutated': 'the injector changed a pod',
  'admission.allowed': 'an object passed with findings, or was judged against its deployer',
  'admission.denied': 'a rule refused an object',
  'admission.failed': 'no answer could be given',
  'exemption.requested': 'somebody asked to get past a rule',
  'exemption.approved': 'another person approved it',
  'exemption.used': 'it let an object past a rule',
  'exemption.revoked': 'somebody ended it',
  'exemption.expired': 'its time was over',
  'bundle.changed': 'the anchors of the trust domain changed',
  'authority.joined': 'a signing key became known',
  'authority.activated': 'a key began to sign',
  'authority.drained': 'a key ceased to sign',
  'authority.pruned': 'a key’s anchor was withdrawn',
  'config.changed': 'settings or policy of ours took effect',
  'audit.log.opened': 'a log began, or went on after a restart',
  'audit.log.closed': 'a log ended in order',
  'audit.events.lost': 'buffered events had to be dropped',
};

const classSentences: Readonly<Record<EventClass, string>> = {
  S: 'on disk, synced, before the answer that grants something',
  W: 'written before the answer',
  B: 'buffered, at most a second; losses are counted',
};

const preface = `# Audit events

Printed from \`audit/event.ts\`; change that and run \`npm run generate\`.

A record is one line of canonical JSON (RFC 8785), at most 16,000 bytes, in the log and on stdout alike. Every line names the SHA-256 of the line before it (\`prev\`), so
that a change, a gap or another order shows. No token, key, request body or matched value is ever in it.`;

/** `docs/audit-events.md`: the classes, the fields of every record, and each event with when it is written and what it carries. */
export function printAuditEventsDocs(): string {
  const classes = Object.entries(classSentences).map(([name, sentence]) => `- **${name}**: ${sentence}.`);
  const rows = auditEvent.options.map(({ shape }) => {
    const name = shape.event.value;
    return `| \`${name}\` | ${eventClass(name)} | ${occasions[name]} | ${ownFields(shape)} |`;
  });
  return `${[
    preface,
    classes.join('\n'),
    '## Fields of every record',
    fields(recordStamp.shape),
    'Of the caller, where it is known: ' + fields(common()),
    '## Events',
    ['| event | class | written when | fields |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    'Fields in brackets may be absent.',
  ].join('\n\n')}\n`;
}

/** What `audit.log.closed` may say, any event may. */
function common(): z.ZodRawShape {
  const bare = auditEvent.options.find(({ shape }) => shape.event.value === 'audit.log.closed');
  return Object.fromEntries(Object.entries(bare?.shape ?? {}).filter(([name]) => name !== 'event'));
}

function ownFields(shape: z.ZodRawShape): string {
  const shared = Object.keys(common());
  return fields(
    Object.fromEntries(Object.entries(shape).filter(([name]) => name !== 'event' && !shared.includes(name))),
  );
}

function fields(shape: z.ZodRawShape): string {
  return Object.entries(shape)
    .map(([name, field]) => (field instanceof z.ZodOptional ? `[\`${name}\`]` : `\`${name}\``))
    .join(', ');
}
