import { fileSegments } from '../audit/segments/file-segments.ts';
import { systemClock } from '../runtime/clock.ts';
import { clusterApi, loadCluster } from '../runtime/cluster/kubernetes-client.ts';
import { describeError } from '../runtime/describe-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { systemRandom } from '../runtime/random.ts';
import { productVersion } from '../runtime/version.ts';
import { createAuthority } from './authority.ts';
import { readAuthoritySettings } from './settings.ts';

const print = (text: string): void => void process.stdout.write(text);

try {
  const settings = readAuthoritySettings(process.env);
  const { logLevel, serviceAccountDir, kubernetesHost: host, kubernetesPort: port, auditDir } = settings;
  const logger = createLogger({ program: 'authority', level: logLevel, write: print });
  const api = clusterApi(loadCluster({ serviceAccountDir, host, port }), { timeoutMs: 5_000 });
  const segments = fileSegments({ directory: auditDir });
  const writeLine = (line: string): void => print(`${line}\n`);
  const parts = {
    settings,
    api,
    segments,
    writeLine,
    version: productVersion,
    clock: systemClock,
    random: systemRandom,
    logger,
  };
  const { supervisor } = createAuthority(parts);
  process.on('SIGTERM', () => void supervisor.stop()).on('SIGINT', () => void supervisor.stop());
  await supervisor.start();
  const { cause } = await supervisor.ended;
  process.exit(cause === undefined ? 0 : 1);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : JSON.stringify(describeError(error))}\n`);
  process.exit(1);
}
