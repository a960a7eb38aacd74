import express, { type Express } from 'express';
import type { MetricsRegistry } from './metrics.ts';
import type { Supervisor } from './supervisor.ts';

/** One line of `?verbose`: what is looked at, whether it is as it should be, and a word about it that is no secret. */
export interface HealthCheck {
  readonly id: string;
  readonly isGood: boolean;
  readonly detail: string;
}

export interface HealthPages {
  readonly registry: Pick<MetricsRegistry, 'print' | 'contentType'>;
  readonly isReady: () => boolean;
  /** The lines of `?verbose`. */
  readonly checks: () => readonly HealthCheck[];
}

/** `/metrics`, `/ready` and `/started`, which stays good once it was: plain HTTP, nothing secret. `?verbose` on the last two lists the checks. */
export function healthPages({ registry, isReady, checks }: HealthPages): Express {
  const app = express();
  let hasStarted = false;
  const answer = (isGood: boolean, word: string, query: object): { readonly status: number; readonly body: string } => {
    const lines = 'verbose' in query ? checks().map(checkLine) : [];
    return { status: isGood ? 200 : 503, body: `${[...lines, isGood ? word : `not ${word}`].join('\n')}\n` };
  };
  app.disable('x-powered-by');
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.print());
  });
  app.get('/ready', ({ query }, response) => {
    const { status, body } = answer(isReady(), 'ready', query);
    response.status(status).type('text/plain').send(body);
  });
  app.get('/started', ({ query }, response) => {
    hasStarted ||= isReady();
    const { status, body } = answer(hasStarted, 'started', query);
    response.status(status).type('text/plain').send(body);
  });
  return app;
}

export interface HealthOptions extends Pick<HealthPages, 'registry'> {
  readonly supervisor: Pick<Supervisor, 'isReady' | 'services'>;
  /** Lines beside those of the services, for whoever asks why; they decide nothing. */
  readonly remarks?: () => readonly HealthCheck[];
}

/** The pages of a program that is ready when every service is, and `/live`, which answers while the event loop does. */
export function healthApp({ registry, supervisor, remarks = () => [] }: HealthOptions): Express {
  const checks = (): readonly HealthCheck[] => [...serviceChecks(supervisor), ...remarks()];
  const app = healthPages({ registry, isReady: supervisor.isReady, checks });
  app.get('/live', (_request, response) => void response.type('text/plain').send('live\n'));
  return app;
}

function serviceChecks({ services }: Pick<Supervisor, 'services'>): readonly HealthCheck[] {
  return services().map(({ name, state }) => ({ id: name, isGood: state === 'ready', detail: state }));
}

function checkLine({ id, isGood, detail }: HealthCheck): string {
  return `[${isGood ? '+' : '-'}] ${id}: ${detail}`;
}
