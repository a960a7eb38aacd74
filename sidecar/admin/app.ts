import express, { type Express } from 'express';
import type { MetricsRegistry } from '../../runtime/metrics.ts';
import type { Check } from './health.ts';

export interface AdminOptions {
  readonly registry: Pick<MetricsRegistry, 'print' | 'contentType'>;
  readonly checks: () => readonly Check[];
  /** Brings gauges up to date that nobody else does. */
  readonly beforeScrape: () => Promise<void>;
}

/** Health and metrics, plain HTTP, nothing secret. `/started` stays good once it was; `?verbose` lists the checks. */
export function adminApp({ registry, checks, beforeScrape }: AdminOptions): Express {
  const app = express();
  let hasStarted = false;
  const answer = (isGood: boolean, word: string, isVerbose: boolean): { status: number; body: string } => {
    const lines = isVerbose
      ? checks().map(({ id, isGood: good, detail }) => `[${good ? '+' : '-'}] ${id}: ${detail}`)
      : [];
    return { status: isGood ? 200 : 503, body: `${[...lines, isGood ? word : `not ${word}`].join('\n')}\n` };
  };
  const isReady = (): boolean => checks().every(({ isGood }) => isGood);
  app.disable('x-powered-by');
  app.get('/started', (request, response) => {
    hasStarted ||= isReady();
    const { status, body } = answer(hasStarted, 'started', 'verbose' in request.query);
    response.status(status).type('text/plain').send(body);
  });
  app.get('/ready', (request, response) => {
    const { status, body } = answer(isReady(), 'ready', 'verbose' in request.query);
    response.status(status).type('text/plain').send(body);
  });
  app.get('/metrics', async (_request, response) => {
    await beforeScrape();
    response.type(registry.contentType).send(await registry.print());
  });
  return app;
}
