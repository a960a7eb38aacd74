import type { JsonObject } from '../admission/request.ts';
import { injectedKeys, keyPrefix, namespaceLabels } from '../annotations.ts';
import { type ContainerPlace, visitContainers } from '../policy/containers.ts';
import type { RuleContext } from '../policy/context.ts';
import { type Finding, pointer } from '../policy/finding.ts';
import { type InjectedNames, injectedNames, nothingInjected, unchangedParts } from '../policy/injected-names.ts';
import { entriesAt, listAt, memberAt, textAt } from '../policy/json-access.ts';
import { report } from '../policy/report.ts';
import type { PodRule, PodSubject } from '../policy/rule.ts';
import { shownKey, shownName } from '../policy/shown-name.ts';

export const reservedName: PodRule = {
  id: 'reserved-name',
  title: 'An author who uses a name, port, key or uid that belongs to the sidecar',
  why: 'Whatever carries our name could pass for the sidecar, escape its capture or speak in its place. So these names are ours alone, and no exemption lends them.',
  remediation:
    "Rename or remove {what}; names beginning with sallyport-, SALLYPORT_ and sallyport.dev/, ports 15440 to 15499 and the sidecar's uid are reserved.",
  invariants: ['INV-1', 'INV-3', 'INV-6'],
  references: ['NIST SP 800-207 tenets 2, 3 and 6'],
  controls: {
    CIS: ['5.2.x', '5.3.2'],
    'SOC 2': ['CC6.6', 'CC6.7'],
    'ISO 27001:2022': ['A.8.5', 'A.8.22'],
    'PCI DSS 4.0.1': ['4.2.1'],
    'NIST 800-53r5': ['SC-8', 'IA-3', 'IA-9'],
  },
  since: '0.1.0',
  defaultMode: 'namespace',
  exemptable: false,
  judges: 'pod',
  templates: true,
  operations: ['CREATE', 'UPDATE'],
  check,
};

const namePrefix = 'sallyport-';
const variablePrefix = 'SALLYPORT_';
const reservedPorts = { first: 15_440, last: 15_499 };
const socketDirectory = '/run/sallyport';

/** A use of something reserved. `what` is what the remediation asks to rename. */
interface Use {
  readonly path: string;
  readonly subject: string;
  readonly found: string;
  readonly what: string;
}

function check(subject: PodSubject, context: RuleContext): readonly Finding[] {
  const { pod, base } = subject;
  const ours = oursIn(subject, context);
  const places = visitContainers(pod, base).filter(
    (place) => !(place.name.startsWith(namePrefix) && ours.container(place)),
  );
  return [
    ...keys(pod, base, ours, context),
    ...volumes(pod, base, ours),
    ...places.flatMap((place) => containerUses(place, ours)),
    ...users(pod, base, places, context.settings.sidecarUid),
  ].map(({ path, subject: who, found, what }) => report(reservedName, { path, subject: who, found, values: { what } }));
}

/** What injection put there; on UPDATE of a pod also what was there before. */
function oursIn({ isTemplate, oldPod }: PodSubject, { expectedPod }: RuleContext): InjectedNames {
  if (isTemplate) {
    return nothingInjected;
  }
  const derived = injectedNames(expectedPod?.kind === 'inject' ? expectedPod.pod : undefined);
  const before = unchangedParts(oldPod);
  return {
    container: (place) => derived.container(place) || before.container(place),
    volume: (volume) => derived.volume(volume) || before.volume(volume),
    mount: (container, mount) => derived.mount(container, mount) || before.mount(container, mount),
    key: (member, key, value) => derived.key(member, key, value) || before.key(member, key, value),
  };
}

/** Labels and annotations below `sallyport.dev/`: what the author may set, within its bounds; a pod's own `identity` label means nothing and is let be. */
function keys(pod: JsonObject, base: string, ours: InjectedNames, { settings }: RuleContext): readonly Use[] {
  return (['labels', 'annotations'] as const).flatMap((member) =>
    entriesAt(pod, 'metadata', member).flatMap(([key, value]) => {
      const isOther =
        !key.toLowerCase().startsWith(keyPrefix) || key === namespaceLabels.identity || ours.key(member, key, value);
      const judged =
        member === 'annotations' && typeof value === 'string'
          ? settings.authorAnnotations.get(key)?.(value)
          : undefined;
      if (isOther || judged?.ok === true) {
        return [];
      }
      const subject = `${member === 'labels' ? 'label' : 'annotation'} ${shownKey(key)}`;
      const path = pointer(base, 'metadata', member, key);
      return judged === undefined
        ? [{ path, subject, found: whyNotSettable(key), what: subject }]
        : [{ path, subject, found: outOfBounds(judged.problem.message), what: `${subject}, or correct its value` }];
    }),
  );
}

/** What the parser expected. Its words may not repeat the value: only those that begin so are shown. */
function outOfBounds(message: string): string {
  return message.startsWith('expected ') ? `a value out of bounds (${message})` : 'a value out of bounds';
}

function whyNotSettable(key: string): string {
  const isInjected = key === injectedKeys.injected || key === injectedKeys.ports || key === injectedKeys.injection;
  return isInjected ? 'a mark that only the injector makes' : 'a reserved key';
}

function volumes(pod: JsonObject, base: string, ours: InjectedNames): readonly Use[] {
  return listAt(pod, 'spec', 'volumes').flatMap((volume, index) => {
    const name = textAt(volume, 'name') ?? '';
    const subject = `volume ${shownName(name)}`;
    return name.startsWith(namePrefix) && !ours.volume(volume)
      ? [{ path: pointer(base, 'spec', 'volumes', index, 'name'), subject, found: 'a reserved name', what: subject }]
      : [];
  });
}

function containerUses(place: ContainerPlace, ours: InjectedNames): readonly Use[] {
  const own = place.name.startsWith(namePrefix)
    ? [{ path: pointer(place.path, 'name'), subject: place.label, found: 'a reserved name', what: place.label }]
    : [];
  return [...own, ...ports(place), ...variables(place), ...mounts(place, ours)];
}

function ports({ container, label, path }: ContainerPlace): readonly Use[] {
  return listAt(container, 'ports').flatMap((port, index) => {
    const at = pointer(path, 'ports', index);
    const name = textAt(port, 'name') ?? '';
    const named = name.startsWith(namePrefix)
      ? [
          {
            path: pointer(at, 'name'),
            subject: `${label}, port ${shownName(name)}`,
            found: 'a reserved name',
            what: `port ${shownName(name)}`,
          },
        ]
      : [];
    const numbered = (['containerPort', 'hostPort'] as const).flatMap((member) => {
      const number = memberAt(port, member);
      const isReserved = typeof number === 'number' && number >= reservedPorts.first && number <= reservedPorts.last;
      return isReserved
        ? [
            {
              path: pointer(at, member),
              subject: `${label}, ${member} ${number}`,
              found: 'a reserved port',
              what: `port ${number}`,
            },
          ]
        : [];
    });
    return [...named, ...numbered];
  });
}

function variables({ container, label, path }: ContainerPlace): readonly Use[] {
  const single = listAt(container, 'env').flatMap((variable, index) => {
    const name = textAt(variable, 'name') ?? '';
    const subject = `${label}, env ${shownKey(name)}`;
    return name.toUpperCase().startsWith(variablePrefix)
      ? [
          {
            path: pointer(path, 'env', index, 'name'),
            subject,
            found: 'a reserved name',
            what: `env ${shownKey(name)}`,
          },
        ]
      : [];
  });
  const prefixed = listAt(container, 'envFrom').flatMap((source, index) => {
    const prefix = (textAt(source, 'prefix') ?? '').toUpperCase();
    const subject = `${label}, envFrom prefix ${shownKey(prefix)}`;
    return prefix.startsWith('SALLYPORT')
      ? [
          {
            path: pointer(path, 'envFrom', index, 'prefix'),
            subject,
            found: 'a reserved name',
            what: `prefix ${shownKey(prefix)}`,
          },
        ]
      : [];
  });
  return [...single, ...prefixed];
}

/** A mount over the directory of our sockets would put somebody else's in their place; a mount of our volume would hand out the token. */
function mounts({ container, name, label, path }: ContainerPlace, ours: InjectedNames): readonly Use[] {
  return listAt(container, 'volumeMounts').flatMap((mount, index) => {
    const at = pointer(path, 'volumeMounts', index);
    const target = (textAt(mount, 'mountPath') ?? '').replace(/\/+/g, '/').replace(/^\/var\/run\//, '/run/');
    const volume = textAt(mount, 'name') ?? '';
    const what = `mount ${shownName(target)}`;
    const subject = `${label}, ${what}`;
    if (ours.mount(name, mount)) {
      return [];
    }
    return [
      ...(`${target}/`.startsWith(`${socketDirectory}/`)
        ? [{ path: pointer(at, 'mountPath'), subject, found: 'a reserved directory', what }]
        : []),
      ...(volume.startsWith(namePrefix)
        ? [{ path: pointer(at, 'name'), subject, found: 'a volume of the sidecar', what }]
        : []),
    ];
  });
}

/** Whoever runs under the sidecar's uid is taken for it by the capture. A container's own setting wins over the pod's. */
function users(pod: JsonObject, base: string, places: readonly ContainerPlace[], uid: number): readonly Use[] {
  const use = (path: string, subject: string): Use => ({
    path,
    subject,
    found: 'the uid of the sidecar',
    what: `runAsUser ${uid}`,
  });
  const own = places
    .filter(({ container }) => memberAt(container, 'securityContext', 'runAsUser') === uid)
    .map(({ path, label }) => use(pointer(path, 'securityContext', 'runAsUser'), label));
  const inherits = places.some(
    ({ container }) => typeof memberAt(container, 'securityContext', 'runAsUser') !== 'number',
  );
  const isPodWide = memberAt(pod, 'spec', 'securityContext', 'runAsUser') === uid && inherits;
  return isPodWide ? [use(pointer(base, 'spec', 'securityContext', 'runAsUser'), 'the pod'), ...own] : own;
}
