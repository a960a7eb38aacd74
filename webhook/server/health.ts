import express, { type Express } from 'express';
import type { MetricsRegistry } from '../../runtime/metrics.ts';

export interface HealthOptions {
  readonly registry: Pick<MetricsRegistry, 'print' | 'contentType'>;
  /** Every service started: caches synced, and our CA known to the API server. */
  readonly isReady: () => boolean;
}

/** Metrics and health on a port of their own, plain HTTP: nothing here is secret. `/started` stays good once it was; `/live` answers while the event loop does. */
export function healthApp({ registry, isReady }: HealthOptions): Express {
  const app = express();
  let hasStarted = false;
  app.disable('x-powered-by');
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.print());
  });
  app.get('/live', (_request, response) => void response.send('live\n'));
  app.get('/ready', (_request, response) => {
    response.status(isReady() ? 200 : 503).send(isReady() ? 'ready\n' : 'not ready\n');
  });
  app.get('/started', (_request, response) => {
    hasStarted ||= isReady();
    response.status(hasStarted ? 200 : 503).send(hasStarted ? 'started\n' : 'starting\n');
  });
  return app;
}
