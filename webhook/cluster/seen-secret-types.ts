import type { SecretTypes } from '../admission/ports.ts';

const mostRemembered = 20_000;
const tokenType = 'kubernetes.io/service-account-token';

/**
 * Types of the Secrets that passed admission since the program started. Our account reads no Secret, so this is all there is to know by default. Bounded: the
 * oldest namespace entry goes first. Admission sees a creation before the API server finds the name taken, so a name that held a token is one for good: whoever
 * "creates" an Opaque Secret over it must not make us forget.
 */
export function seenSecretTypes(): SecretTypes {
  const byNamespace = new Map<string, Map<string, string>>();
  let count = 0;
  return {
    inNamespace: (namespace) => byNamespace.get(namespace) ?? new Map(),
    remember(namespace, name, type) {
      const known = byNamespace.get(namespace) ?? new Map<string, string>();
      if (known.get(name) === tokenType) {
        return;
      }
      count += known.has(name) ? 0 : 1;
      byNamespace.set(namespace, known.set(name, type));
      const oldest = count > mostRemembered ? byNamespace.entries().next().value : undefined;
      const first = oldest?.[1].keys().next().value;
      if (oldest !== undefined && first !== undefined) {
        oldest[1].delete(first);
        count -= 1;
        if (oldest[1].size === 0) {
          byNamespace.delete(oldest[0]);
        }
      }
    },
  };
}
