import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What every metric says of itself. `name` without the prefix `sallyport_`; label values come from closed sets. */
export interface MetricDefinition<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** The metrics of one program, on a registry of its own. */
export interface MetricsRegistry {
  counter<Label extends string = never>(definition: MetricDefinition<Label>): Counter<Label>;
  gauge<Label extends string = never>(definition: MetricDefinition<Label>): Gauge<Label>;
  /** `buckets` in the metric's unit, ascending. */
  histogram<Label extends string = never>(
    definition: MetricDefinition<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label>;
  /** `sallyport_up_services`: 1 while the service is ready; the supervisor's `onService`. */
  serviceUp(service: string, isUp: boolean): void;
  /** The Prometheus text form of everything. */
  print(): Promise<string>;
  readonly contentType: string;
}

export type { Counter, Gauge, Histogram } from 'prom-client';

/** A registry with `sallyport_build_info`; `processMetrics` adds prom-client's own about process and event loop. */
export function createRegistry(options: {
  readonly program: string;
  readonly version: string;
  readonly processMetrics?: boolean;
}): MetricsRegistry {
  const register = new Registry();
  if (options.processMetrics === true) {
    collectDefaultMetrics({ register });
  }
  const common = <Label extends string>({ name, help, labels }: MetricDefinition<Label>) => ({
    name: `sallyport_${name}`,
    help,
    labelNames: labels ?? [],
    registers: [register],
  });
  const build = new Gauge({
    ...common({ name: 'build_info', help: 'Always 1: version and program.', labels: ['version', 'program'] }),
  });
  build.set({ version: options.version, program: options.program }, 1);
  const up = new Gauge({
    ...common({ name: 'up_services', help: '1 while a service of this program is ready.', labels: ['service'] }),
  });
  return {
    counter: (definition) => new Counter(common(definition)),
    gauge: (definition) => new Gauge(common(definition)),
    histogram: (definition) => new Histogram({ ...common(definition), buckets: [...definition.buckets] }),
    serviceUp: (service, isUp) => up.set({ service }, isUp ? 1 : 0),
    print: () => register.metrics(),
    contentType: register.contentType,
  };
}
