import { authorityMetrics } from '../../authority/metrics.ts';
import { createRegistry, type MetricsRegistry } from '../../runtime/metrics.ts';
import { sidecarMetrics } from '../../sidecar/metrics.ts';
import { webhookMetrics } from '../../webhook/metrics.ts';

interface MetricRow {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

const programs = [
  { program: 'webhook', define: webhookMetrics },
  { program: 'authority', define: authorityMetrics },
  { program: 'sidecar', define: sidecarMetrics },
] as const;

const preface = `# Metrics

Printed from the definitions (\`*/metrics.ts\`); change those and run \`npm run generate\`.

Names begin with \`sallyport_\`; every program has \`build_info{version,program}\` and \`up_services{service}\` besides. Label values come from closed sets: rule ids, codes, reasons, modes. Webhook
and authority serve \`/metrics\` on 9090, the sidecar on 15490.`;

/** `docs/metrics.md`: what each program counts, with labels. */
export function printMetricsDocs(): string {
  const sections = programs.map(({ program, define }) => {
    const rows = rowsOf(define).map(
      ({ name, kind, labels, help }) =>
        `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    );
    return [`## ${program}\n`, '| metric | kind | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
  });
  return `${[preface, ...sections].join('\n\n')}\n`;
}

/** What `define` asks a registry for. */
function rowsOf(define: (registry: MetricsRegistry) => unknown): readonly MetricRow[] {
  const rows: MetricRow[] = [];
  const real = createRegistry({ program: 'docs', version: '0' });
  const noted = <
    Definition extends { readonly name: string; readonly help: string; readonly labels?: readonly string[] },
  >(
    kind: MetricRow['kind'],
    { name, help, labels = [] }: Definition,
  ): void => void rows.push({ name, kind, labels, help });
  define({
    ...real,
    counter(definition) {
      noted('counter', definition);
      return real.counter(definition);
    },
    gauge(definition) {
      noted('gauge', definition);
      return real.gauge(definition);
    },
    histogram(definition) {
      noted('histogram', definition);
      return real.histogram(definition);
    },
  });
  return rows;
}
