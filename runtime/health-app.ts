import express, { type Express } from 'express';
import type { MetricsRegistry } from './metrics.ts';
import type { Supervisor } from './supervisor.ts';

/** One line of `?verbose`: what is looked at, whether it is as it should be, and a word about it that is no secret. */
export interface HealthCheck {
  readonly id: string;
  readonly isGood: boolean;
  readonly detail: string;
}

export interface HealthOptions {
  readonly registry: Pick<MetricsRegistry, 'print' | 'contentType'>;
  readonly supervisor: Pick<Supervisor, 'isReady' | 'services'>;
  /** Lines beside those of the services, for whoever asks why; they decide nothing. */
  readonly remarks?: () => readonly HealthCheck[];
}

/**
 * Metrics and health on a port of their own, plain HTTP: nothing here is secret. `/ready` is good when every service is, `/started` stays good once it was, `/live`
 * while the event loop answers. `?verbose` on the first two says which service they wait for.
 */
export function healthApp({ registry, supervisor, remarks = () => [] }: HealthOptions): Express {
  const app = express();
  let hasStarted = false;
  const answer = (isGood: boolean, word: string, query: object): { readonly status: number; readonly body: string } => {
    const lines = 'verbose' in query ? [...serviceChecks(supervisor), ...remarks()].map(checkLine) : [];
    return { status: isGood ? 200 : 503, body: `${[...lines, isGood ? word : `not ${word}`].join('\n')}\n` };
  };
  app.disable('x-powered-by');
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.print());
  });
  app.get('/live', (_request, response) => void response.type('text/plain').send('live\n'));
  app.get('/ready', ({ query }, response) => {
    const { status, body } = answer(supervisor.isReady(), 'ready', query);
    response.status(status).type('text/plain').send(body);
  });
  app.get('/started', ({ query }, response) => {
    hasStarted ||= supervisor.isReady();
    const { status, body } = answer(hasStarted, 'started', query);
    response.status(status).type('text/plain').send(body);
  });
  return app;
}

function serviceChecks({ services }: Pick<Supervisor, 'services'>): readonly HealthCheck[] {
  return services().map(({ name, state }) => ({ id: name, isGood: state === 'ready', detail: state }));
}

function checkLine({ id, isGood, detail }: HealthCheck): string {
  return `[${isGood ? '+' : '-'}] ${id}: ${detail}`;
}
