import { type Container, type EnvVar, fieldOf, type Pod } from './pod.ts';

/** Looks one key up in a ConfigMap or Secret of the pod's namespace. */
export type KeyLookup = (kind: 'configmaps' | 'secrets', name: string, key: string) => Promise<string | undefined>;

export interface Placement {
  /** The pod's own address. */
  readonly address: string;
  /** What stands before every mount path of this container on the host. */
  readonly root: string;
}

/** What one host shares and the stand-in therefore overrides, by name; said once when a container starts. */
export interface Overrides {
  readonly environment: Readonly<Record<string, string>>;
}

/** `$(NAME)` replaced by what is known so far, `$$(NAME)` unescaped, as the kubelet does. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (match, name: string | undefined) =>
    match === '$$' ? '$' : (known[name ?? ''] ?? match),
  );
}

/** A path below one of the container's mounts, moved below its root directory; anything else as it is. */
export function underRoot(text: string, container: Container, root: string): string {
  const mounts = [
    ...(container.volumeMounts ?? []).map(({ mountPath }) => mountPath),
    container.terminationMessagePath,
  ];
  return mounts.some((mount) => text === mount || text.startsWith(`${mount}/`)) ? `${root}${text}` : text;
}

async function valueOf(variable: EnvVar, pod: Pod, address: string, lookup: KeyLookup): Promise<string | undefined> {
  const { fieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {};
  if (fieldRef !== undefined) {
    return fieldOf(pod, address, fieldRef.fieldPath);
  }
  if (configMapKeyRef !== undefined) {
    return lookup('configmaps', configMapKeyRef.name, configMapKeyRef.key);
  }
  if (secretKeyRef !== undefined) {
    return lookup('secrets', secretKeyRef.name, secretKeyRef.key);
  }
  return variable.value ?? '';
}

/**
 * The environment of a container, from its spec and nothing else; then mount paths get the root directory, and the overrides come last.
 * Throws when a reference cannot be resolved, as the kubelet leaves such a container waiting.
 */
export async function environmentOf(
  pod: Pod,
  container: Container,
  { address, root }: Placement,
  overrides: Overrides,
  lookup: KeyLookup,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, pod, address, lookup);
    const isOptional =
      variable.valueFrom?.configMapKeyRef?.optional ?? variable.valueFrom?.secretKeyRef?.optional ?? false;
    if (value === undefined && !isOptional) {
      throw new Error(`container ${container.name}: nothing to fill ${variable.name} with`);
    }
    if (value !== undefined) {
      environment[variable.name] = underRoot(expand(value, environment), container, root);
    }
  }
  return { ...environment, ...overrides.environment };
}
