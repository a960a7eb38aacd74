import { fileSegments } from '../audit/segments/file-segments.ts';
import { systemClock } from '../runtime/clock.ts';
import { clusterApi, loadCluster } from '../runtime/cluster/kubernetes-client.ts';
import { describeError } from '../runtime/describe-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { systemRandom } from '../runtime/random.ts';
import { readWebhookSettings } from './settings.ts';
import { createWebhook } from './webhook.ts';

const print = (text: string): void => void process.stdout.write(text);

try {
  const settings = readWebhookSettings(process.env);
  const { logLevel, serviceAccountDir, kubernetesHost: host, kubernetesPort: port, auditDir } = settings;
  const logger = createLogger({ program: 'webhook', level: logLevel, write: print });
  const api = clusterApi(loadCluster({ serviceAccountDir, host, port }), { timeoutMs: 5_000 });
  const segments = fileSegments({ directory: auditDir });
  const writeLine = (line: string): void => print(`${line}\n`);
  const { supervisor } = createWebhook({
    settings,
    api,
    segments,
    writeLine,
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  process.on('SIGTERM', () => void supervisor.stop()).on('SIGINT', () => void supervisor.stop());
  await supervisor.start();
  const { cause } = await supervisor.ended;
  process.exit(cause === undefined ? 0 : 1);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : JSON.stringify(describeError(error))}\n`);
  process.exit(1);
}
