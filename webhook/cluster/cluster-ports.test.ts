import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../runtime/clock.ts';
import { deadlineIn } from '../../runtime/deadline.ts';
import { createLogger } from '../../runtime/logger.ts';
import { systemRandom } from '../../runtime/random.ts';
import { startApiServer } from '../../test/fakes/api-server/api-server.ts';
import { memoryCluster } from '../admission/memory-cluster.ts';
import { clusterPorts } from './cluster-ports.ts';
import { isObject } from './objects.ts';
import { contractManifests, describePorts } from './ports.contract.ts';

describePorts('a set of objects', () => {
  const objects = parseAllDocuments(contractManifests).flatMap((document) => {
    const value: unknown = document.toJS();
    return [value];
  });
  return Promise.resolve({ ports: memoryCluster(objects.filter(isObject)), stop: () => Promise.resolve() });
});

describePorts('an API server', async () => {
  const cluster = await startApiServer();
  await cluster.apply(contractManifests);
  const logger = createLogger({ program: 'test', level: 'silent', write: () => undefined });
  const ports = clusterPorts({ api: cluster.admin, clock: systemClock, random: systemRandom, logger });
  const { signal } = new AbortController();
  await Promise.all(ports.services.map((service) => service.start(signal)));
  return {
    ports,
    stop: async () => {
      await Promise.all(ports.services.map((service) => service.stop(deadlineIn(systemClock, 2_000))));
      await cluster.stop();
    },
  };
});
