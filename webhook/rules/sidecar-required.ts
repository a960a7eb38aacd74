import type { Json, JsonObject } from '../admission/request.ts';
import { authorAnnotations, injectedKeys, namespaceLabels } from '../annotations.ts';
import { visitContainers } from '../policy/containers.ts';
import type { RuleContext } from '../policy/context.ts';
import { type Finding, pointer } from '../policy/finding.ts';
import { isSameJson, listAt, memberAt, objectAt, textAt } from '../policy/json-access.ts';
import { report } from '../policy/report.ts';
import type { PodRule, PodSubject } from '../policy/rule.ts';
import { shownKey, shownName } from '../policy/shown-name.ts';

export const sidecarRequired: PodRule = {
  id: 'sidecar-required',
  title: 'A pod of an opted-in namespace without exactly the sidecar that was derived for it',
  why: 'A pod without the sidecar has no identity and speaks plaintext; one with a changed sidecar may leak its keys or carry what it should refuse.',
  remediation: 'Correct the pod: {fix}.',
  invariants: ['INV-3', 'INV-6'],
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
  exemptable: true,
  judges: 'pod',
  templates: true,
  operations: ['CREATE', 'UPDATE'],
  check,
};

const ourPrefix = 'sallyport-';
const keyPrefix = 'sallyport.dev/';
/**
 * The sidecar was told its ports when the pod was created, but the authority reads them here for as long as it runs: changed later, they would send callers past the
 * sidecar.
 */
const portAnnotations: readonly string[] = [authorAnnotations.inbound, authorAnnotations.excludeInboundPorts];
/** Skips that another rule speaks about, or that need no word: nothing is required of these pods here. */
const silentSkips: ReadonlySet<string> = new Set(['not-opted-in', 'mirror', 'exempt', 'name-taken']);

function check({ pod, oldPod, base, isTemplate }: PodSubject, context: RuleContext): readonly Finding[] {
  const { expectedPod, namespace } = context;
  const isOptedIn = namespace?.labels[namespaceLabels.identity] === 'enabled';
  if (isTemplate) {
    return isOptedIn ? foreseen(pod, base) : [];
  }
  if (oldPod !== null) {
    return isInjected(oldPod) && isOptedIn ? differences(pod, oldPod, base) : [];
  }
  if (expectedPod === undefined) {
    return [];
  }
  if (expectedPod.kind === 'skip') {
    return silentSkips.has(expectedPod.reason) ? [] : [cannotInject(expectedPod.reason, expectedPod.detail, base)];
  }
  return [...differences(pod, expectedPod.pod, base), ...unmappedPorts(pod, base)];
}

/** What its pods will be refused for. Who writes the workload sees no event of the controller that meets the refusal; so they are warned, and the pod decides. */
function foreseen(pod: JsonObject, base: string): readonly Finding[] {
  const onHost = memberAt(pod, 'spec', 'hostNetwork') === true;
  const found = onHost ? [cannotInject('host-network', 'hostNetwork: true', base)] : unmappedPorts(pod, base);
  return found.map((finding) => ({ ...finding, cap: 'warn' }));
}

const isInjected = (pod: JsonObject): boolean => textAt(pod, 'metadata', 'labels', injectedKeys.injected) === 'true';

function cannotInject(reason: string, detail: string, base: string): Finding {
  const fixes: Readonly<Record<string, string>> = {
    'capture-unavailable': 'have an administrator remove that label from the namespace',
    'invalid-annotation': 'correct that annotation',
    'host-network': 'use a Service or hostPort, or run node agents in a namespace that is not opted in',
    windows: 'run Windows pods in a namespace that is not opted in, or ask for an Exemption',
  };
  return report(sidecarRequired, {
    path: pointer(base, 'metadata'),
    subject: 'pod',
    found: `no sidecar can be injected (${reason}): ${detail}`,
    values: { fix: fixes[reason] ?? 'ask for an Exemption' },
  });
}

/** Every field that is ours, held against what it must be. */
function differences(pod: JsonObject, expected: JsonObject, base: string): readonly Finding[] {
  return [
    ...compareEntries(pod, expected, base, ['spec', 'initContainers'], 'init container'),
    ...order(pod, expected, base),
    ...compareEntries(pod, expected, base, ['spec', 'volumes'], 'volume'),
    ...compareKeys(pod, expected, base, 'labels', [injectedKeys.injected, injectedKeys.ports]),
    ...compareKeys(pod, expected, base, 'annotations', [injectedKeys.injection, ...portAnnotations]),
  ];
}

/** Entries of a list that carry our names: each there, equal, and none more. */
function compareEntries(
  pod: JsonObject,
  expected: JsonObject,
  base: string,
  path: readonly string[],
  word: string,
): readonly Finding[] {
  const [actual, wanted] = [ours(listAt(pod, ...path)), ours(listAt(expected, ...path))];
  const missing = [...wanted.keys()].filter((name) => !actual.has(name));
  const changed = [...actual].filter(([name, entry]) => !isSameJson(entry.value, wanted.get(name)?.value));
  return [
    ...missing.map((name) => differs(pointer(base, ...path), `${word} ${shownName(name)}`, 'missing')),
    ...changed.map(([name, { value, index }]) => {
      const field = firstDifference(value, wanted.get(name)?.value);
      const found = wanted.has(name)
        ? `field ${shownKey(field)} differs from what was derived`
        : 'carries our name and was not derived';
      return differs(
        pointer(base, ...path, index, ...(wanted.has(name) && field !== '' ? [field] : [])),
        `${word} ${shownName(name)}`,
        found,
      );
    }),
  ];
}

function ours(list: readonly Json[]): ReadonlyMap<string, { readonly value: Json; readonly index: number }> {
  const named = list.map((value, index) => ({ name: textAt(value, 'name') ?? '', value, index }));
  return new Map(
    named.filter(({ name }) => name.startsWith(ourPrefix)).map(({ name, value, index }) => [name, { value, index }]),
  );
}

/** Name of the first member that differs. */
function firstDifference(actual: Json, wanted: Json | undefined): string {
  const members = new Set([...Object.keys(objectAt(actual) ?? {}), ...Object.keys(objectAt(wanted) ?? {})]);
  return [...members].find((member) => !isSameJson(memberAt(actual, member), memberAt(wanted, member))) ?? '';
}

/** The sidecar stands where it was put: another mutator that moves it behind an author's init container takes that one's identity away. */
function order(pod: JsonObject, expected: JsonObject, base: string): readonly Finding[] {
  const names = (of: JsonObject): readonly string[] =>
    listAt(of, 'spec', 'initContainers').map((container) => textAt(container, 'name') ?? '');
  const wanted = names(expected).findIndex((name) => name.startsWith(ourPrefix));
  const actual = names(pod).findIndex((name) => name.startsWith(ourPrefix));
  return actual > wanted && wanted >= 0
    ? [
        differs(
          pointer(base, 'spec', 'initContainers', actual),
          `init container ${shownName(names(pod)[actual] ?? '')}`,
          'was moved behind another container',
        ),
      ]
    : [];
}

function compareKeys(
  pod: JsonObject,
  expected: JsonObject,
  base: string,
  member: 'labels' | 'annotations',
  keys: readonly string[],
): readonly Finding[] {
  return keys
    .filter(
      (key) =>
        key.startsWith(keyPrefix) &&
        memberAt(pod, 'metadata', member, key) !== memberAt(expected, 'metadata', member, key),
    )
    .map((key) =>
      differs(
        pointer(base, 'metadata', member, key),
        `${member === 'labels' ? 'label' : 'annotation'} ${key}`,
        'differs from what was derived',
      ),
    );
}

function differs(path: string, subject: string, found: string): Finding {
  return report(sidecarRequired, {
    path,
    subject,
    found,
    values: { fix: 'create it again without what changes our containers (another webhook, perhaps)' },
  });
}

/** In capture `explicit` a port that nobody maps would be reachable in plaintext, or not at all once it is closed. */
function unmappedPorts(pod: JsonObject, base: string): readonly Finding[] {
  const carried = carriedPorts(pod);
  return visitContainers(pod, base)
    .filter(({ name }) => !name.startsWith(ourPrefix))
    .flatMap(({ container, label, path }) =>
      listAt(container, 'ports').flatMap((port, index) => {
        const number = numberAt(port);
        const isTcp = (textAt(port, 'protocol') ?? 'TCP') === 'TCP';
        const isCarried = carried.has(number) || carried.has(textAt(port, 'name') ?? number);
        return isTcp && !isCarried ? [unmapped(pointer(path, 'ports', index), label, number)] : [];
      }),
    );
}

/** Port numbers and names on the application's side of the mapping, and the ports left out of it on purpose. */
function carriedPorts(pod: JsonObject): ReadonlySet<string> {
  const entries = (key: string): readonly string[] => (textAt(pod, 'metadata', 'annotations', key) ?? '').split(',');
  const targets = entries(authorAnnotations.inbound).map((pair) => pair.split('=')[1] ?? '');
  return new Set([...targets, ...entries(authorAnnotations.excludeInboundPorts)].map((port) => port.trim()));
}

function numberAt(port: Json): string {
  const number = memberAt(port, 'containerPort');
  return typeof number === 'number' ? String(number) : '';
}

function unmapped(path: string, label: string, number: string): Finding {
  const fix = `map it with the annotation ${authorAnnotations.inbound}: "<TLS port>=${number}" on the pod template`;
  return report(sidecarRequired, {
    path,
    subject: `${label}, port ${number}`,
    found: 'a TCP port that the sidecar does not carry',
    values: { fix },
  });
}
