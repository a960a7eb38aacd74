import type { AuditFailure } from '../../audit/failures.ts';
import type { AuthorityFailureCode } from '../../authority/client/failures.ts';
import type { AuthorityProgramFailureCode } from '../../authority/failures.ts';
import type { CliFailure } from '../../cli/failures.ts';
import type { ClusterFailureCode } from '../../runtime/cluster/cluster-failure.ts';
import type { SettingsFailure } from '../../runtime/settings/read-settings.ts';
import type { SidecarFailure } from '../../sidecar/failures.ts';
import type { IdentityFailureCode } from '../../sidecar/identity/identity-source.ts';
import type { AdmissionFailureCode } from '../../webhook/admission/failures.ts';

/** What a code means, and what whoever reads it should do. Two sentences for a person who knows Kubernetes and not our code. */
export interface Meaning {
  readonly meaning: string;
  readonly remedy: string;
}

/** One meaning for every code, checked by the compiler: neither a code without one nor one without a code. */
export type Meanings<Code extends string> = Readonly<Record<Code, Meaning>>;

const settings: Meanings<SettingsFailure['code']> = {
  'invalid-settings': {
    meaning: 'Some variables do not fit; the message lists every mistake. Nothing was started.',
    remedy: 'Correct the variables named; settings.md has them all.',
  },
};

const cluster: Meanings<ClusterFailureCode> = {
  'not-found': {
    meaning: 'The API server has no such object or route.',
    remedy: 'Check that the custom resource definitions are installed.',
  },
  conflict: {
    meaning: 'Somebody else changed the object meanwhile.',
    remedy: 'Nothing: it is read again and tried again.',
  },
  'already-exists': { meaning: 'The object was there already.', remedy: 'Nothing: it is read and taken from there.' },
  forbidden: {
    meaning: 'RBAC does not allow the program’s account what it asked.',
    remedy: 'Apply the roles of this version; the message names verb and resource.',
  },
  unauthorized: {
    meaning: 'The API server did not accept the program’s own token.',
    remedy: 'Check the projected token volume and the clocks of node and API server.',
  },
  invalid: {
    meaning: 'The API server refused an object of ours as invalid.',
    remedy: 'Apply the custom resource definitions of this version.',
  },
  'too-many-requests': {
    meaning: 'The API server asked to slow down.',
    remedy: 'Nothing; if it persists, look at the API server’s priority levels.',
  },
  gone: { meaning: 'The watch was too far behind.', remedy: 'Nothing: the objects are listed again.' },
  rejected: {
    meaning: 'Any other 4xx, a denial by an admission webhook among them.',
    remedy: 'Read the message: it is the API server’s own.',
  },
  unavailable: {
    meaning: 'No connection, a broken answer or a 5xx.',
    remedy: 'Check API server and network policy; the program tries again.',
  },
  timeout: { meaning: 'The API server did not answer in time.', remedy: 'Check its load; the program tries again.' },
  malformed: {
    meaning: 'An answer that is not of the documented form.',
    remedy: 'Check what stands between the program and the API server, such as a proxy.',
  },
};

const audit: Meanings<AuditFailure['code']> = {
  'audit-unavailable': {
    meaning: 'A record could not be written within a second. What it would have recorded was not granted.',
    remedy: 'Check the volume of `SALLYPORT_AUDIT_DIR`: space, permissions, speed.',
  },
  overloaded: {
    meaning: 'A thousand records wait to be written already. What it would have recorded was not granted.',
    remedy: 'Check how fast the volume syncs, and add replicas.',
  },
};

const admission: Meanings<AdmissionFailureCode> = {
  'not-synced': {
    meaning: 'A watch cache was never filled, so that nothing can be judged yet (503).',
    remedy: 'Wait; if it stays, look for `watch interrupted` in the log.',
  },
  dependency: {
    meaning: 'A lookup in the API server failed (503).',
    remedy: 'Find the correlation id in the log; the cause stands there.',
  },
  undecided: {
    meaning: 'A rule in mode `enforce` could not decide (503).',
    remedy: 'Find the correlation id in the log: it names rule and reason.',
  },
  'audit-unavailable': {
    meaning: 'The decision could not be recorded, and must be (503).',
    remedy: 'Check the audit volume; `SALLYPORT_AUDIT_ON_FAILURE` says whether other decisions stand without a record.',
  },
  deadline: {
    meaning: 'The judgement took longer than the API server waits (504).',
    remedy: 'Check CPU limits and the latency of the API server.',
  },
  bug: {
    meaning: 'A mistake of ours (500). It is never a denial: `failurePolicy` decides.',
    remedy: 'Report it with the log line of the correlation id.',
  },
};

const authorityCall: Meanings<AuthorityFailureCode> = {
  refused: {
    meaning: 'The authority answered with a refusal; its reason is one of those below.',
    remedy: 'Look the reason up.',
  },
  unreachable: {
    meaning: 'No connection to the authority, or no answer in time.',
    remedy: 'Check its pods, its Service and network policy between the namespaces.',
  },
  untrusted: {
    meaning: 'Whoever answered did not prove to be the authority. Nothing was shown to it.',
    remedy:
      'Compare ConfigMap `sallyport-trust-bundle` of the namespace with the TrustBundle; check `SALLYPORT_AUTHORITY_ID`.',
  },
  'malformed-answer': {
    meaning: 'The answer is not of the contract.',
    remedy: 'Check that authority and sidecar are at most one version apart, and that no proxy stands between them.',
  },
};

const authorityProgram: Meanings<AuthorityProgramFailureCode> = {
  'bundle-unreadable': {
    meaning: 'The `TrustBundle` of our own trust domain exists and cannot be read, so nobody may overwrite it.',
    remedy: 'Restore the object from etcd’s backup, or delete it, which founds new keys.',
  },
  'bundle-conflict': {
    meaning: 'The `TrustBundle` kept changing while it was being written.',
    remedy: 'Find who else writes it: only the authority may.',
  },
  'founding-not-read-back': {
    meaning: 'What was written to the `TrustBundle` is not what came back. Nothing was signed.',
    remedy: 'Check other mutating webhooks, and the custom resource definition’s version.',
  },
};

const identity: Meanings<IdentityFailureCode> = {
  refused: { meaning: 'The source of identity said no.', remedy: 'Look up the reason among the authority’s refusals.' },
  unavailable: {
    meaning: 'The source said nothing usable; what is held stays in use until it expires.',
    remedy: 'Check the authority; the sidecar tries again with growing pauses.',
  },
  'not-accepted': {
    meaning: 'What the source gave does not stand the sidecar’s own judgement.',
    remedy: 'Check trust domain and bundle of both sides; the reason names the clause.',
  },
};

const sidecar: Meanings<SidecarFailure['code']> = {
  'not-started': {
    meaning: 'The sidecar was not ready in time; the message, also in the termination log, names what is missing.',
    remedy: 'Mend what is named; the kubelet starts the container again.',
  },
  'tls-self-test': {
    meaning: 'This Node does not tell OpenSSL’s verdict on a peer. No connection is served.',
    remedy: 'Run the pinned version of Node.',
  },
};

const cli: Meanings<CliFailure['code']> = {
  usage: { meaning: 'The command line makes no sense (exit code 2).', remedy: 'See `sallyport --help`.' },
  state: {
    meaning: 'What stands for the cluster (`--state`) could not be read (exit code 2).',
    remedy: 'Mend file, document and line that the message names.',
  },
};

/** Every failure class with its codes, in the order of the documentation. */
export const failureFamilies = [
  { name: 'SettingsFailure', title: 'Settings of any program', codes: settings },
  { name: 'ClusterFailure', title: 'Calls to the Kubernetes API', codes: cluster },
  { name: 'AuditFailure', title: 'The audit log', codes: audit },
  { name: 'AdmissionFailure', title: 'Admission', codes: admission },
  { name: 'AuthorityFailure', title: 'Calls to the authority', codes: authorityCall },
  { name: 'AuthorityProgramFailure', title: 'The authority itself', codes: authorityProgram },
  { name: 'IdentityFailure', title: 'The sidecar’s identity', codes: identity },
  { name: 'SidecarFailure', title: 'The sidecar itself', codes: sidecar },
  { name: 'CliFailure', title: 'The command line', codes: cli },
] as const;
