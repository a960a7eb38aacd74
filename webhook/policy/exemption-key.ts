import type { Json } from '../admission/request.ts';
import type { Finding } from './finding.ts';
import { resolvePointer, textAt } from './json-access.ts';

/**
 * The key that a finding is about, as `keys` of an exemption spells it: the key of a Secret or ConfigMap, or `container/NAME` of an environment variable.
 * Undefined for findings about anything else.
 */
export function keyOf(finding: Pick<Finding, 'path'>, object: Json | undefined): string | undefined {
  const data = /^\/(?:data|stringData|binaryData)\/([^/]+)$/.exec(finding.path)?.[1];
  if (data !== undefined) {
    return data.replaceAll('~1', '/').replaceAll('~0', '~');
  }
  const variable = /^(.*\/(?:initContainers|containers|ephemeralContainers)\/[0-9]+)(\/env\/[0-9]+)(?:\/.*)?$/.exec(
    finding.path,
  );
  const [, container = '', env = ''] = variable ?? [];
  const containerName = textAt(resolvePointer(object, container), 'name');
  const variableName = textAt(resolvePointer(object, container + env), 'name');
  return env === '' || containerName === undefined || variableName === undefined
    ? undefined
    : `${containerName}/${variableName}`;
}
