import express, { type Express } from 'express';
import type { MetricsRegistry } from '../../runtime/metrics.ts';

export interface HealthParts {
  readonly registry: MetricsRegistry;
  readonly isReady: () => boolean;
}

/** 9090: metrics and health. Nothing here is secret. `/started` stays good once it was. */
export function createHealthApp({ registry, isReady }: HealthParts): Express {
  const app = express();
  let hasStarted = false;
  app.disable('x-powered-by');
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.print());
  });
  app.get('/live', (_request, response) => {
    response.send('live\n');
  });
  app.get('/ready', (_request, response) => {
    response.status(isReady() ? 200 : 503).send(isReady() ? 'ready\n' : 'not ready\n');
  });
  app.get('/started', (_request, response) => {
    hasStarted ||= isReady();
    response.status(hasStarted ? 200 : 503).send(hasStarted ? 'started\n' : 'starting\n');
  });
  return app;
}
