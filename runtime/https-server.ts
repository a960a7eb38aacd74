import { constants } from 'node:crypto';
import { createServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Cancel } from './clock.ts';
import { type HttpServiceOptions, type ServerService, serverService } from './http-server.ts';

/** Key and certificate of a server, and news of their successors. */
export interface TlsSource {
  current(): SecureContextOptions;
  onChange(listener: () => void): Cancel;
}

export interface HttpsServiceOptions extends HttpServiceOptions {
  readonly tls: TlsSource;
  /** `optional`: a client may show a certificate, which the handler judges itself; OpenSSL's opinion refuses nobody. */
  readonly clientCertificates?: 'none' | 'optional';
  /** Milliseconds; idle keep-alive must exceed the API server's 90 s. */
  readonly keepAliveMs?: number;
  readonly handshakeMs?: number;
}

/**
 * HTTPS by TLS 1.3 and HTTP/1.1. Where clients may show certificates no session is resumed: a resumed one shows only part of the chain, and by then may have
 * expired. New key material serves the next handshake and disturbs no connection.
 */
export function httpsService(options: HttpsServiceOptions): ServerService {
  const { name, tls, handler, clientCertificates = 'none', keepAliveMs = 120_000, handshakeMs = 10_000 } = options;
  const asksCertificate = clientCertificates === 'optional';
  const context = (): SecureContextOptions => ({
    ...tls.current(),
    minVersion: 'TLSv1.3',
    ...(asksCertificate ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
  });
  const server = createServer(
    {
      ...context(),
      requestCert: asksCertificate,
      rejectUnauthorized: false,
      handshakeTimeout: handshakeMs,
      maxHeaderSize: 32 * 1024,
    },
    handler,
  );
  server.keepAliveTimeout = keepAliveMs;
  server.headersTimeout = keepAliveMs + 5_000;
  // A handshake that fails is the caller's affair; without a listener it would pass unseen all the same.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const cancel = tls.onChange(() => server.setSecureContext(context()));
  const service = serverService(name, server, options);
  return {
    ...service,
    async stop(deadline) {
      cancel();
      await service.stop(deadline);
    },
  };
}
