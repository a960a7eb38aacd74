import type { Express } from 'express';
import { healthPages } from '../../runtime/health-app.ts';
import type { MetricsRegistry } from '../../runtime/metrics.ts';
import type { Check } from './health.ts';

export interface AdminOptions {
  readonly registry: Pick<MetricsRegistry, 'print' | 'contentType'>;
  readonly checks: () => readonly Check[];
  /** Brings gauges up to date that nobody else does. */
  readonly beforeScrape: () => Promise<void>;
}

/** Health and metrics on the admin port; ready when every check is good. No `/live`: a restart would help nobody. */
export function adminApp({ registry, checks, beforeScrape }: AdminOptions): Express {
  const print = async (): Promise<string> => {
    await beforeScrape();
    return registry.print();
  };
  const isReady = (): boolean => checks().every(({ isGood }) => isGood);
  return healthPages({ registry: { contentType: registry.contentType, print }, isReady, checks });
}
