import { type JsonObject, objectAt, objectsAt } from './json.ts';

/** The quality of service class of a pod, by its containers' cpu and memory. */
export function qosClass(pod: JsonObject): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const containers = [...objectsAt(pod, 'spec', 'containers'), ...objectsAt(pod, 'spec', 'initContainers')];
  const resources = containers.map((container) => objectAt(container, 'resources'));
  const isEmpty = (each: JsonObject): boolean =>
    Object.keys(objectAt(each, 'limits')).length === 0 && Object.keys(objectAt(each, 'requests')).length === 0;
  if (resources.every(isEmpty)) {
    return 'BestEffort';
  }
  return resources.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function isGuaranteed(resources: JsonObject): boolean {
  const limits = objectAt(resources, 'limits');
  const requests = objectAt(resources, 'requests');
  return ['cpu', 'memory'].every((name) => {
    const limit = limits[name];
    return limit !== undefined && (requests[name] === undefined || requests[name] === limit);
  });
}
