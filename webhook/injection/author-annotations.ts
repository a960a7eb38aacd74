import type { z } from 'zod';
import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';
import { parseOutbound, sidecarSettings } from '../../sidecar/settings.ts';
import { authorAnnotations, keyPrefix } from '../annotations.ts';
import type { AnnotationParser } from '../policy/settings.ts';
import { checkInbound } from './inbound-annotation.ts';
import { parsePortList } from './port-list.ts';

/** The annotation that sets a sidecar setting for one pod: `x509Ttl` is `sallyport.dev/x509-ttl`. */
export const annotationOf = (setting: string): string =>
  keyPrefix + setting.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();

/** The sidecar's settings that a pod's author may set, by annotation, with the kind that reads them. */
export const perPodRows = sidecarSettings.rows
  .filter(({ meta }) => meta.perPod === true)
  .map(({ path, kind }) => ({ setting: path[0] ?? '', annotation: annotationOf(path[0] ?? ''), kind }));

/** Every annotation that an author may set, each with what it accepts: the per-pod settings of the sidecar, and the port mappings. */
export function authorAnnotationParsers(): ReadonlyMap<string, AnnotationParser> {
  return new Map<string, AnnotationParser>([
    [authorAnnotations.inbound, checkInbound],
    [authorAnnotations.outbound, parseOutbound],
    [authorAnnotations.excludeInboundPorts, parsePortList],
    ...perPodRows.map(({ annotation, kind }): [string, AnnotationParser] => [
      annotation,
      (text) => parseBy(kind, text),
    ]),
  ]);
}

function parseBy(kind: z.ZodType, text: string): Parsed<unknown> {
  const outcome = kind.safeParse(text);
  return outcome.success
    ? accepted(outcome.data)
    : refused({ code: 'invalid-setting', message: outcome.error.issues[0]?.message ?? 'not accepted' });
}
