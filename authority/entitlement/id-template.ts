import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';
import { type SpiffeId, spiffeIdOf } from '../../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Workload } from '../../spiffe/workload.ts';

/** A parsed path template: literal segments and the two fields. */
export interface IdTemplate {
  readonly text: string;
  readonly segments: readonly TemplateSegment[];
}

export type TemplateSegment = { readonly literal: string } | { readonly field: keyof Workload };

export const defaultIdTemplate = '/ns/{namespace}/sa/{serviceAccount}';

/**
 * Reads a template such as `/ns/{namespace}/sa/{serviceAccount}`. A field is a whole segment and both occur exactly once: else two workloads could get
 * one identity.
 */
export function parseIdTemplate(text: string): Parsed<IdTemplate> {
  if (!text.startsWith('/')) {
    return refused({ code: 'id-template', message: 'a template begins with a slash' });
  }
  const segments = text.slice(1).split('/').map(segmentOf);
  const count = (field: keyof Workload): number =>
    segments.filter((segment) => 'field' in segment && segment.field === field).length;
  if (count('namespace') !== 1 || count('serviceAccount') !== 1) {
    return refused({
      code: 'id-template',
      message: '{namespace} and {serviceAccount} each stand once, as whole segments',
    });
  }
  return segments.some((segment) => 'literal' in segment && (segment.literal === '' || segment.literal.includes('{')))
    ? refused({ code: 'id-template', message: 'a segment is text or one of {namespace}, {serviceAccount}' })
    : accepted({ text, segments });
}

/** The id of a workload by this template; a problem when our own parser refuses it. */
export function fillTemplate(template: IdTemplate, trustDomain: TrustDomain, workload: Workload): Parsed<SpiffeId> {
  return spiffeIdOf(
    trustDomain,
    template.segments.map((segment) => ('field' in segment ? workload[segment.field] : segment.literal)),
  );
}

/** Reads an id of ours backwards; undefined when it is not of this template. */
export function readByTemplate(template: IdTemplate, id: SpiffeId): Workload | undefined {
  if (id.path.length !== template.segments.length) {
    return undefined;
  }
  const found: Partial<Record<keyof Workload, string>> = {};
  for (const [index, segment] of template.segments.entries()) {
    const value = id.path[index] ?? '';
    if ('field' in segment) {
      found[segment.field] = value;
    } else if (segment.literal !== value) {
      return undefined;
    }
  }
  const { namespace, serviceAccount } = found;
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}

function segmentOf(text: string): TemplateSegment {
  if (text === '{namespace}') {
    return { field: 'namespace' };
  }
  return text === '{serviceAccount}' ? { field: 'serviceAccount' } : { literal: text };
}
