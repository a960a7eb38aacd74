import { createEventBuffer } from '../audit/event-buffer.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { httpService, type ListenAddress } from '../runtime/http-server.ts';
import type { Logger } from '../runtime/logger.ts';
import { createRegistry } from '../runtime/metrics.ts';
import type { RandomBytes } from '../runtime/random.ts';
import { supervise } from '../runtime/supervisor.ts';
import { policyService } from './access/policy-service.ts';
import { adminApp } from './admin/app.ts';
import { type Check, describeUnready, readinessChecks } from './admin/health.ts';
import { composeControl } from './compose-control.ts';
import { composeDataPlane } from './compose-data-plane.ts';
import { SidecarFailure } from './failures.ts';
import { createJournal } from './journal/journal.ts';
import { journalService } from './journal/journal-service.ts';
import { sidecarMetrics } from './metrics.ts';
import type { SidecarSettings } from './settings.ts';
import { startSweep } from './sweep.ts';
import { selfTestService } from './tls/self-test.ts';

/** What the program is made from; `main.ts` takes it from the process, tests give their own. */
export interface SidecarParts {
  readonly settings: SidecarSettings;
  /** Gets each audit event as one line: stdout. */
  readonly writeLine: (line: string) => void;
  readonly version: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** The whole program. */
export interface Sidecar {
  /** Resolves when everything is ready, or was stopped meanwhile; rejects, all stopped again, after `startTimeout` with what is missing: it never hangs. */
  start(): Promise<void>;
  /** Drains and stops; resolves when everything is quiet. */
  stop(): Promise<void>;
  readonly ended: Promise<{ readonly cause?: unknown }>;
  checks(): readonly Check[];
  adminAddress(): ListenAddress;
}

/** Beyond draining, what stopping may take: the last events, the stream. */
const stopMarginMs = 5_000;

/** admin -> identity -> self-test -> stream -> journal -> policy -> outbound -> inbound; stopped the other way round, so inbound drains first. */
export function createSidecar(parts: SidecarParts): Sidecar {
  const { settings, writeLine, version, clock, random, logger } = parts;
  const registry = createRegistry({ program: 'sidecar', version, processMetrics: true });
  const metrics = sidecarMetrics(registry);
  const sweep = startSweep(clock);
  const events = createEventBuffer({
    send: (batch) => control.link.sendEvents(batch),
    writeLine,
    clock,
    random,
    observer: { lost: (count) => metrics.eventsLost.inc(count), redacted: () => metrics.redactions.inc() },
  });
  const control = composeControl(parts, metrics, sweep, events.append);
  const journal = createJournal({ append: events.append, metrics, clock, logger });
  const { inbound, outbound } = composeDataPlane(parts, control, journal, metrics, sweep);
  const checks = (): readonly Check[] =>
    readinessChecks({
      identity: control.loop.state(),
      identityReason: control.loop.lastReason(),
      policy: control.policies.current(),
      hasInbound: settings.inbound.length > 0,
      areServicesReady: supervisor.isReady(),
    });
  const showTokenAge = async (): Promise<void> => {
    const writtenAt = await control.files.tokenWrittenAt();
    metrics.tokenAge.set(writtenAt === undefined ? 0 : (clock.now().getTime() - writtenAt.getTime()) / 1_000);
  };
  const admin = httpService({
    name: 'admin',
    host: settings.listenAddress,
    port: settings.adminPort,
    handler: adminApp({ registry, checks, beforeScrape: showTokenAge }),
    clock,
    drainMs: 1_000,
  });
  const supervisor = supervise(
    [
      admin,
      control.loop,
      selfTestService(control.contexts.current, settings.loopbackAddress[0] ?? '127.0.0.1'),
      control.link,
      journalService(journal, events, clock),
      policyService(control.policies),
      outbound,
      inbound,
    ],
    { clock, logger, stopTimeoutMs: settings.drainTimeout + stopMarginMs, onService: registry.serviceUp },
  );
  let isStopping = false;
  return {
    async start() {
      const over = new AbortController();
      const started = supervisor.start().then(() => 'started');
      // A start that was stopped is no failure; one that failed says so by itself.
      const ended = supervisor.ended.then(() => (isStopping ? 'stopped' : started));
      const late = sleep(clock, settings.startTimeout, over.signal).then(() => 'late');
      started.catch(() => undefined);
      const first = await Promise.race([started.catch(() => ended), ended, late]);
      over.abort();
      if (first === 'late') {
        const missing = describeUnready(checks());
        await supervisor.stop();
        throw new SidecarFailure('not-started', `not ready within ${settings.startTimeout / 1_000} s: ${missing}`);
      }
    },
    async stop() {
      isStopping = true;
      await supervisor.stop();
      sweep.stop();
      control.contexts.stop();
      control.directory.stop();
    },
    ended: supervisor.ended,
    checks,
    adminAddress: admin.address,
  };
}
