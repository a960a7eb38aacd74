import type { Service } from '../../runtime/service.ts';
import type { WorkloadStreams } from './workload-streams.ts';

/** Open streams never end by themselves in time: when stopping they are closed before the server waits for open requests. */
export function streamsService(streams: Pick<WorkloadStreams, 'closeAll'>): Service {
  const ended = Promise.withResolvers<{ readonly by: 'stop' }>();
  return {
    name: 'streams',
    ended: ended.promise,
    start: () => Promise.resolve(),
    stop() {
      streams.closeAll();
      ended.resolve({ by: 'stop' });
      return Promise.resolve();
    },
  };
}
