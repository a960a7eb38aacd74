import type { Socket } from 'node:net';

/** The address as a person writes it: IPv4 mapped into IPv6 becomes IPv4, a missing one `unknown`. */
export function plainAddress(address: string | undefined): string {
  const mapped = '::ffff:';
  if (address === undefined) {
    return 'unknown';
  }
  return address.startsWith(mapped) && address.includes('.') ? address.slice(mapped.length) : address;
}

/** Who is at the other end of an accepted socket. */
export function clientOf(socket: Socket): { readonly address: string; readonly port: number } {
  return { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
}

/** Whether the address stands for every interface. */
export function isWildcard(address: string): boolean {
  return address === '::' || address === '0.0.0.0';
}
