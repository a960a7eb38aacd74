import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';
import type { JsonObject } from '../admission/request.ts';
import { visitContainers } from '../policy/containers.ts';
import { listAt, memberAt, textAt } from '../policy/json-access.ts';

/** A port that a container declares. */
export interface DeclaredPort {
  readonly container: string;
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** JSON pointer of the entry, from the pod. */
  readonly path: string;
}

/** The ports that the author's containers declare, ours left out. */
export function authorPorts(pod: JsonObject): readonly DeclaredPort[] {
  return visitContainers(pod, '')
    .filter(({ name }) => !name.startsWith('sallyport-'))
    .flatMap(({ container, name, path }) =>
      listAt(container, 'ports').flatMap((entry, index): readonly DeclaredPort[] => {
        const port = memberAt(entry, 'containerPort');
        const protocol = textAt(entry, 'protocol') ?? 'TCP';
        return typeof port === 'number' && isProtocol(protocol)
          ? [{ container: name, name: textAt(entry, 'name') ?? '', port, protocol, path: `${path}/ports/${index}` }]
          : [];
      }),
    );
}

const isProtocol = (text: string): text is DeclaredPort['protocol'] =>
  text === 'TCP' || text === 'UDP' || text === 'SCTP';

/** `80,9090` as port numbers; the empty text as none. */
export function parsePortList(text: string): Parsed<readonly number[]> {
  const parts = text === '' ? [] : text.split(',').map((part) => part.trim());
  const bad = parts.find((part) => !/^[1-9][0-9]{0,4}$/.test(part) || Number(part) > 65_535);
  return bad === undefined
    ? accepted(parts.map(Number))
    : refused({ code: 'invalid-ports', message: 'expected port numbers separated by commas' });
}
