import {
  isEqualJson,
  isObject,
  type JsonObject,
  objectAt,
  objectsAt,
  textAt,
  textMapAt,
  valueAt,
  withAt,
} from './json.ts';
import type { Resource } from './resources.ts';
import { matchesLabelSelector } from './selectors.ts';
import { type FieldFault, invalid } from './status.ts';

/**
 * The faults that matter to what we test: names, what must be there, what may not change. Far from everything the real server checks;
 * custom resources are not held to their schemas. Throws the 422 with all faults.
 */
export function checkCreate(resource: Resource, object: JsonObject): void {
  fail(resource, object, [...nameFaults(resource, object), ...kindFaults(resource.kind, object)]);
}

/** Also what an update may not change. `subresource` is empty for the object itself. */
export function checkUpdate(resource: Resource, existing: JsonObject, object: JsonObject, subresource: string): void {
  fail(resource, object, [
    ...kindFaults(resource.kind, object),
    ...changeFaults(resource.kind, existing, object, subresource),
  ]);
}

function fail(resource: Resource, object: JsonObject, faults: readonly FieldFault[]): void {
  if (faults.length > 0) {
    throw invalid(resource.kind, resource.group, textAt(object, 'metadata', 'name'), faults);
  }
}

const required = (field: string, why = ''): FieldFault => ({
  reason: 'FieldValueRequired',
  field,
  message: `Required value${why === '' ? '' : `: ${why}`}`,
});

const wrong = (field: string, value: unknown, why: string): FieldFault => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const pathSegment = /^(?!\.{1,2}$)[^/%]+$/;

function nameFaults(resource: Resource, object: JsonObject): readonly FieldFault[] {
  const name = textAt(object, 'metadata', 'name');
  if (name === '') {
    return [required('metadata.name', 'name or generateName is required')];
  }
  const isFree = resource.group === 'rbac.authorization.k8s.io';
  const isGood = (isFree ? pathSegment : subdomain).test(name) && name.length <= 253;
  return isGood
    ? []
    : [
        wrong(
          'metadata.name',
          name,
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'",
        ),
      ];
}

function kindFaults(kind: string, object: JsonObject): readonly FieldFault[] {
  switch (kind) {
    case 'Pod':
      return podFaults(objectAt(object, 'spec'), 'spec');
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'DaemonSet':
      return [
        ...selectorFaults(object),
        ...podFaults(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
      ];
    case 'Job':
      return podFaults(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec');
    case 'Secret':
      return secretFaults(object);
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return textAt(object, 'roleRef', 'name') === '' ? [required('roleRef.name')] : [];
    case 'Role':
    case 'ClusterRole':
      return objectsAt(object, 'rules').flatMap((rule, index) =>
        isObject(rule) && !Array.isArray(rule['verbs']) ? [required(`rules[${index}].verbs`)] : [],
      );
    default:
      return [];
  }
}

function podFaults(spec: JsonObject, path: string): readonly FieldFault[] {
  const containers = objectsAt(spec, 'containers');
  const everyList = ['initContainers', 'containers', 'ephemeralContainers'];
  const named = everyList.flatMap((list) =>
    objectsAt(spec, list).map((container, index) => ({ container, at: `${path}.${list}[${index}]` })),
  );
  const names = named.map(({ container }) => textAt(container, 'name'));
  return [
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...named.flatMap(({ container, at }, index): FieldFault[] => [
      ...(textAt(container, 'name') === '' ? [required(`${at}.name`)] : []),
      ...(textAt(container, 'image') === '' ? [required(`${at}.image`)] : []),
      ...(names.indexOf(names[index] ?? '') < index
        ? [
            {
              reason: 'FieldValueDuplicate' as const,
              field: `${at}.name`,
              message: `Duplicate value: ${JSON.stringify(names[index])}`,
            },
          ]
        : []),
      ...mountFaults(spec, container, at),
    ]),
  ];
}

function mountFaults(spec: JsonObject, container: JsonObject, at: string): readonly FieldFault[] {
  const volumes = new Set(objectsAt(spec, 'volumes').map((volume) => textAt(volume, 'name')));
  return objectsAt(container, 'volumeMounts').flatMap((mount, index) =>
    volumes.has(textAt(mount, 'name'))
      ? []
      : [
          {
            reason: 'FieldValueInvalid' as const,
            field: `${at}.volumeMounts[${index}].name`,
            message: `Not found: ${JSON.stringify(textAt(mount, 'name'))}`,
          },
        ],
  );
}

function selectorFaults(object: JsonObject): readonly FieldFault[] {
  const selector = valueAt(object, 'spec', 'selector');
  if (!isObject(selector)) {
    return [required('spec.selector')];
  }
  const labels = textMapAt(object, 'spec', 'template', 'metadata', 'labels');
  return matchesLabelSelector(selector, labels)
    ? []
    : [
        wrong(
          'spec.template.metadata.labels',
          Object.fromEntries(labels),
          '`selector` does not match template `labels`',
        ),
      ];
}

function secretFaults(object: JsonObject): readonly FieldFault[] {
  const bad = Object.entries(objectAt(object, 'data')).filter(
    ([, value]) => typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value.replaceAll(/[\r\n]/g, '')),
  );
  const faults = bad.map(([key]) => wrong(`data[${key}]`, '<secret>', 'illegal base64 data'));
  const isAccountToken = textAt(object, 'type') === 'kubernetes.io/service-account-token';
  const annotation = 'kubernetes.io/service-account.name';
  return isAccountToken && textAt(object, 'metadata', 'annotations', annotation) === ''
    ? [...faults, required(`metadata.annotations[${annotation}]`)]
    : faults;
}

const immutable = (field: string, value: unknown): FieldFault => wrong(field, value, 'field is immutable');

function changeFaults(
  kind: string,
  existing: JsonObject,
  object: JsonObject,
  subresource: string,
): readonly FieldFault[] {
  const hasChanged = (...path: readonly string[]): boolean =>
    !isEqualJson(valueAt(existing, ...path), valueAt(object, ...path));
  switch (kind) {
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return hasChanged('roleRef') ? [wrong('roleRef', object['roleRef'], 'cannot change roleRef')] : [];
    case 'Secret':
      return hasChanged('type') ? [immutable('type', object['type'])] : [];
    case 'Deployment':
    case 'ReplicaSet':
      return hasChanged('spec', 'selector') ? [immutable('spec.selector', valueAt(object, 'spec', 'selector'))] : [];
    case 'Job':
      return hasChanged('spec', 'template') ? [immutable('spec.template', '...')] : [];
    case 'Pod':
      return subresource === '' && !isEqualJson(fixedPodSpec(existing), fixedPodSpec(object)) ? [podFixed] : [];
    default:
      return [];
  }
}

const podFixed: FieldFault = {
  reason: 'FieldValueForbidden',
  field: 'spec',
  message:
    'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
};

/** What of a pod's spec an update may not change: images, deadline and tolerations are left out. */
function fixedPodSpec(pod: JsonObject): JsonObject {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...spec } = objectAt(pod, 'spec');
  return ['containers', 'initContainers'].reduce(
    (fixed: JsonObject, list) =>
      fixed[list] === undefined
        ? fixed
        : withAt(
            fixed,
            [list],
            objectsAt(fixed, list).map((container) => withAt(container, ['image'], undefined)),
          ),
    spec,
  );
}
