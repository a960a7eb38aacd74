/*
 * Step (h): do the logs and the metrics tell the same story as the wire? Pure, so that a test can take one event away and see it noticed.
 */

/** An audit record, as far as it is counted here. */
export interface AuditLine {
  readonly id: string;
  /** When it was seen. */
  readonly at: Date;
  /** Of the key that signed an SVID. */
  readonly authorityId: string;
  readonly event: string;
  readonly program: string;
  readonly podUid: string;
  readonly reason: string;
  readonly serial: string;
  readonly spiffeId: string;
  /** How many connections this record stands for. */
  readonly count: number;
}

/** What one sidecar counted in its metrics, and what its stdout holds. */
export interface SidecarRecord {
  readonly pod: string;
  readonly podUid: string;
  /** `refusals_total` by reason, both directions. */
  readonly refusals: Readonly<Record<string, number>>;
  /** `connections_total`, both directions, every kind and end. */
  readonly connections: number;
  /** `svid_rotations_total` with outcome success: SVIDs received. */
  readonly svids: number;
  readonly lines: readonly AuditLine[];
}

export interface Evidence {
  /** Serial and SPIFFE ID of every certificate that a client without identity saw on the wire. */
  readonly seen: readonly { readonly serial: string; readonly spiffeId: string }[];
  /** Refusals that the demo provoked, by reason. */
  readonly provoked: Readonly<Record<string, number>>;
  readonly authority: readonly AuditLine[];
  readonly sidecars: readonly SidecarRecord[];
  /** When the authority was killed: of what it had only buffered then, a second may be lost. */
  readonly killedAt: Date;
}

const isIssuance = ({ event }: AuditLine): boolean => event === 'identity.issued' || event === 'identity.renewed';

function countsBy(lines: readonly AuditLine[], key: (line: AuditLine) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    counts.set(key(line), (counts.get(key(line)) ?? 0) + line.count);
  }
  return counts;
}

function serialProblems({ seen, authority }: Evidence): string[] {
  const issued = new Map(authority.filter(isIssuance).map(({ serial, spiffeId }) => [serial, spiffeId]));
  return seen.flatMap(({ serial, spiffeId }) => {
    const recorded = issued.get(serial);
    return recorded === spiffeId
      ? []
      : [`serial ${serial} of ${spiffeId} was seen on the wire, the authority recorded ${recorded ?? 'nothing'}`];
  });
}

function issuanceProblems({ authority, sidecars }: Evidence): string[] {
  return sidecars.flatMap(({ pod, podUid, svids }) => {
    const recorded = authority.filter((line) => isIssuance(line) && line.podUid === podUid).length;
    return recorded === svids ? [] : [`${pod} received ${svids} SVIDs, the authority recorded ${recorded} issuances`];
  });
}

function refusalProblems({ provoked, sidecars }: Evidence): string[] {
  const problems = sidecars.flatMap(({ pod, refusals, lines }) => {
    const logged = countsBy(
      lines.filter(({ event }) => event === 'access.denied'),
      ({ reason }) => reason,
    );
    const reasons = new Set([...Object.keys(refusals), ...logged.keys()]);
    return [...reasons]
      .filter((reason) => (refusals[reason] ?? 0) !== (logged.get(reason) ?? 0))
      .map(
        (reason) =>
          `${pod}: metric counts ${refusals[reason] ?? 0} refusals ${reason}, its log ${logged.get(reason) ?? 0}`,
      );
  });
  const total = (reason: string): number => sidecars.reduce((sum, { refusals }) => sum + (refusals[reason] ?? 0), 0);
  const missing = Object.entries(provoked)
    .filter(([reason, count]) => total(reason) !== count)
    .map(([reason, count]) => `${count} refusals ${reason} were provoked, the metrics count ${total(reason)}`);
  const surprising = [...new Set(sidecars.flatMap(({ refusals }) => Object.keys(refusals)))]
    .filter((reason) => provoked[reason] === undefined && total(reason) > 0)
    .map((reason) => `${total(reason)} refusals ${reason} that nobody provoked`);
  return [...problems, ...missing, ...surprising];
}

function connectionProblems({ sidecars }: Evidence): string[] {
  return sidecars.flatMap(({ pod, connections, lines }) => {
    const summarised = lines
      .filter(({ event }) => event === 'access.summary')
      .reduce((sum, { count }) => sum + count, 0);
    return summarised === connections
      ? []
      : [`${pod}: metric counts ${connections} connections, its summaries ${summarised}`];
  });
}

/** How long before the kill a buffered event may have been taken from a sidecar and lost: a second, and the way there. */
const lostAtMostMs = 2_500;

/** What a sidecar printed is in the authority's log too, under the same id. Its last summaries are printed when nobody may take them any more. */
function forwardingProblems({ authority, sidecars, killedAt }: Evidence): string[] {
  const taken = new Set(authority.map(({ id }) => id));
  const mayBeLost = ({ at }: AuditLine): boolean => at <= killedAt && killedAt.getTime() - at.getTime() <= lostAtMostMs;
  return sidecars.flatMap(({ pod, lines }) =>
    lines
      .filter((line) => line.event === 'access.denied' && !taken.has(line.id) && !mayBeLost(line))
      .map(({ id, reason }) => `${pod}: ${reason} ${id} never reached the authority's log`),
  );
}

/** One line for every figure that differs; none when wire, log and metrics agree. */
export function account(evidence: Evidence): string[] {
  return [
    ...serialProblems(evidence),
    ...issuanceProblems(evidence),
    ...refusalProblems(evidence),
    ...connectionProblems(evidence),
    ...forwardingProblems(evidence),
  ];
}
