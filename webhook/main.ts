import { fileSegments } from '../audit/segments/file-segments.ts';
import { systemClock as clock } from '../runtime/clock.ts';
import { clusterApi, loadCluster } from '../runtime/cluster/kubernetes-client.ts';
import { describeError } from '../runtime/describe-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { systemRandom as random } from '../runtime/random.ts';
import { readWebhookSettings } from './settings.ts';
import { createWebhook } from './webhook.ts';

const write = (text: string): void => void process.stdout.write(text);
const writeLine = (line: string): void => write(`${line}\n`);

try {
  const settings = readWebhookSettings(process.env);
  const { serviceAccountDir, kubernetesHost: host, kubernetesPort: port } = settings;
  const logger = createLogger({ program: 'webhook', level: settings.logLevel, write });
  const api = clusterApi(loadCluster({ serviceAccountDir, host, port }), { timeoutMs: 5_000 });
  const segments = fileSegments({ directory: settings.auditDir });
  const { supervisor } = createWebhook({ settings, api, segments, writeLine, clock, random, logger });
  process.on('SIGTERM', () => void supervisor.stop()).on('SIGINT', () => void supervisor.stop());
  await supervisor.start();
  const { cause } = await supervisor.ended;
  process.exit(cause === undefined ? 0 : 1);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : JSON.stringify(describeError(error))}\n`);
  process.exit(1);
}
