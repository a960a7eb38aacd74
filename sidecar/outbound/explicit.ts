import type { OutboundMapping } from '../settings.ts';

/** A local door: who connects there means `destination`, the directory's key. */
export interface LocalDoor {
  readonly host: string;
  readonly port: number;
  readonly destination: string;
}

/** The doors of the declared mappings on every loopback address. Pure. */
export function localDoors(
  mappings: readonly OutboundMapping[],
  loopbackAddresses: readonly string[],
): readonly LocalDoor[] {
  return mappings.flatMap(({ listen, destination }) =>
    loopbackAddresses.map((host) => ({ host, port: listen, destination })),
  );
}
