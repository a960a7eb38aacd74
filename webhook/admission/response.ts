import type { AdmissionResponse, Decision } from './decision.ts';

/** Most causes, warnings and characters of a warning that one answer carries (AR-16, AR-18). */
export const responseLimits = { causes: 20, warnings: 10, warningCharacters: 120 } as const;

/**
 * The answer that says a decision: `uid` repeated (AR-01), `patch` and `patchType` together or not at all (AR-10), no `status` when allowed and no warnings when
 * denied (AR-18), empty members left out.
 */
export function responseOf(uid: string, decision: Decision): AdmissionResponse {
  if (decision.kind === 'denied') {
    const causes = decision.findings
      .slice(0, responseLimits.causes)
      .map(({ rule, path, subject, found }) => ({ reason: rule, field: path, message: `${subject}: ${found}` }));
    const status = {
      status: 'Failure',
      code: 403,
      reason: 'Forbidden',
      message: decision.message,
      details: { causes },
    } as const;
    return { uid, allowed: false, status, ...annotated(decision.annotations) };
  }
  const warnings = boundWarnings(decision.warnings);
  return {
    uid,
    allowed: true,
    ...(decision.patch === undefined ? {} : { patch: decision.patch, patchType: 'JSONPatch' as const }),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...annotated(decision.annotations),
  };
}

/**
 * Warnings as the API server passes them on whole: at most 10 of 120 characters, no control characters, each once, in their order (AR-16). What does not fit is
 * counted in the last one.
 */
export function boundWarnings(warnings: readonly string[]): readonly string[] {
  const distinct = [...new Set(warnings.map(asWarning))];
  if (distinct.length <= responseLimits.warnings) {
    return distinct;
  }
  const kept = distinct.slice(0, responseLimits.warnings - 1);
  return [...kept, `and ${distinct.length - kept.length} more`];
}

/** Printable ASCII only: a warning travels in an HTTP header and ends on a terminal. */
function asWarning(text: string): string {
  const line = text.replace(/[^ -~]/gu, ' ');
  return line.length <= responseLimits.warningCharacters
    ? line
    : `${line.slice(0, responseLimits.warningCharacters - 3)}...`;
}

function annotated(annotations: Readonly<Record<string, string>>): Pick<AdmissionResponse, 'auditAnnotations'> {
  return Object.keys(annotations).length === 0 ? {} : { auditAnnotations: annotations };
}
