/** Splits `host:port` or `[v6]:port`; a missing or unusable port gives 8443, the authority's own. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  const port = colon < 0 ? Number.NaN : Number(address.slice(colon + 1));
  const host = Number.isInteger(port) ? address.slice(0, colon) : address;
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: Number.isInteger(port) ? port : 8443 };
}
