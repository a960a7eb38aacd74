import { describe, expect, it } from 'vitest';
import { manualClock } from '../test/builders/manual-clock.ts';
import { deadlineIn } from './deadline.ts';
import { httpService } from './http-server.ts';
import { createRegistry } from './metrics.ts';

describe('createRegistry', () => {
  it('prints every metric with the prefix, its help and its labels, and the build', async () => {
    const registry = createRegistry({ program: 'sidecar', version: '1.2.3' });
    registry.counter({ name: 'refusals_total', help: 'Refusals.', labels: ['reason'] }).inc({ reason: 'plaintext' }, 2);
    registry.gauge({ name: 'streams', help: 'Streams.' }).set(7);
    registry.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [0.1, 1] }).observe(0.5);
    registry.serviceUp('admin', true);
    registry.serviceUp('inbound', false);
    const lines = (await registry.print()).split('\n');
    expect(lines).toContain('sallyport_build_info{version="1.2.3",program="sidecar"} 1');
    expect(lines).toContain('# HELP sallyport_refusals_total Refusals.');
    expect(lines).toContain('sallyport_refusals_total{reason="plaintext"} 2');
    expect(lines).toContain('sallyport_up_services{service="admin"} 1');
    expect(lines).toContain('sallyport_up_services{service="inbound"} 0');
    expect(lines).toContain('sallyport_streams 7');
    expect(lines).toContain('sallyport_wait_seconds_bucket{le="0.1"} 0');
    expect(lines).toContain('sallyport_wait_seconds_bucket{le="1"} 1');
  });

  it('keeps the metrics of two programs apart', async () => {
    const [one, other] = ['a', 'b'].map((program) => createRegistry({ program, version: '1' }));
    one?.gauge({ name: 'streams', help: 'Streams.' }).set(1);
    expect(await other?.print()).not.toContain('streams');
  });

  it('adds what is known of the process only when asked', async () => {
    const registry = createRegistry({ program: 'a', version: '1', processMetrics: true });
    expect(await registry.print()).toContain('process_resident_memory_bytes');
    expect(await createRegistry({ program: 'a', version: '1' }).print()).not.toContain('process_');
  });
});

describe('httpService', () => {
  it('serves plain HTTP on the address it tells, until it is stopped', async () => {
    const clock = manualClock();
    const registry = createRegistry({ program: 'a', version: '1' });
    const service = httpService({
      name: 'metrics',
      host: '127.0.0.1',
      port: 0,
      clock,
      drainMs: 100,
      handler: (_request, answer) => void registry.print().then((text) => answer.end(text)),
    });
    await service.start(new AbortController().signal);
    const address = `http://127.0.0.1:${service.address().port}/metrics`;
    const answer = await fetch(address);
    expect(await answer.text()).toContain('sallyport_build_info');
    await service.stop(deadlineIn(clock, 1_000));
    await expect(fetch(address)).rejects.toThrow(TypeError);
  });
});
