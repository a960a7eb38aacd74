import type { IncomingMessage } from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { z } from 'zod';
import type { AuditEvent, ForwardedEvent, Replica } from '../../audit/event.ts';
import { forwardedEvent } from '../../audit/event.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import { printSpiffeBundle } from '../../spiffe/bundle-document.ts';
import type { SpiffeBundle } from '../../spiffe/trust-bundle.ts';
import type { CurrentSvid } from '../attestation/current-svid.ts';
import {
  acknowledgement,
  directoryRequest,
  eventBatch,
  limits,
  type X509Answer,
  x509Request,
} from '../client/messages.ts';
import type { IssuedSvid, IssueRequest } from '../issuance/issue.ts';
import { type Granted, type Refusal, type RefusalReason, refuse } from '../refusal.ts';
import type { Caller } from './caller.ts';
import { publicAnswer } from './problem.ts';
import { responseSink } from './response-sink.ts';
import { traceIdOf } from './trace-id.ts';
import type { WorkloadStreams } from './workload-streams.ts';

export interface AppParts {
  readonly issue: (request: IssueRequest) => Promise<Granted<IssuedSvid>>;
  /** Who calls, by the connection's SVID. */
  readonly caller: (request: IncomingMessage) => Granted<Caller>;
  /** The connection's SVID alone, for a renewal; its pod is judged with the token. */
  readonly svid: (request: IncomingMessage) => Granted<CurrentSvid>;
  readonly streams: WorkloadStreams;
  readonly acknowledge: (podUid: string, sequence: bigint) => void;
  /** Whether a pod may hand over a batch of events now. */
  readonly mayForward: (podUid: string) => Granted<undefined>;
  /** Takes a sidecar's event in, seen by the authenticated pod. */
  readonly forward: (event: ForwardedEvent, sender: Replica) => void;
  readonly onRefusal: (refusal: Refusal, route: string, traceId: string) => void;
  readonly random: RandomBytes;
}

/** Only what a sidecar can have seen: nobody records an issuance or a decision of admission but who made it. */
const sidecarEvents: readonly AuditEvent['event'][] = [
  'identity.degraded',
  'identity.expired',
  'access.granted',
  'access.denied',
  'access.plaintext',
  'access.self',
  'access.summary',
  'audit.events.lost',
];

/** The API on 8443. Each route reads as: parse, ask, answer; every refusal becomes public in `problem.ts`. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: limits.body, type: () => true, strict: true, inflate: false }));
  app.post('/v1/svid/x509', answering(parts, postX509));
  app.get('/v1/stream', answering(parts, getStream));
  app.post('/v1/ack', answering(parts, postAcknowledgement));
  app.post('/v1/directory', answering(parts, postDirectory));
  app.post('/v1/events', answering(parts, postEvents));
  app.use(answering(parts, () => refuse('not-found')));
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const refusal = { reason: reasonOf(error), ...(error instanceof Error ? { detail: error.name } : {}) };
    sendRefusal(parts, request, response, refusal, traceIdOf(request, parts.random));
  });
  return app;
}

/** What a route gives: a refusal to be answered, or nothing when it has answered itself. */
type Routed = { readonly ok: false; readonly refusal: Refusal } | undefined;
type Route = (request: Request, response: Response, parts: AppParts, traceId: string) => Promise<Routed> | Routed;

function answering(parts: AppParts, route: Route): (request: Request, response: Response) => Promise<void> {
  return async (request, response) => {
    const traceId = traceIdOf(request, parts.random);
    const outcome = await route(request, response, parts, traceId);
    if (outcome !== undefined) {
      sendRefusal(parts, request, response, outcome.refusal, traceId);
    }
  };
}

function sendRefusal(parts: AppParts, request: Request, response: Response, refusal: Refusal, traceId: string): void {
  parts.onRefusal(refusal, request.path, traceId);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, body } = publicAnswer(refusal, traceId);
  if (body.retryAfterSeconds !== undefined) {
    response.setHeader('retry-after', String(Math.ceil(body.retryAfterSeconds)));
  }
  response.status(status).json(body);
}

async function postX509(request: Request, response: Response, parts: AppParts, traceId: string): Promise<Routed> {
  const body = x509Request.safeParse(request.body);
  if (!body.success) {
    return refuse('malformed-request');
  }
  // A certificate that is not valid any more proves nothing, and hinders nobody: then the token alone must do.
  const current = parts.svid(request);
  const { csr, ttlSeconds } = body.data;
  const issued = await parts.issue({
    authorization: request.headers.authorization,
    csr: Buffer.from(csr, 'base64'),
    ...(current.ok ? { current: current.value } : {}),
    source: { address: request.socket.remoteAddress ?? '', port: request.socket.remotePort ?? 0 },
    ...(ttlSeconds === undefined ? {} : { requestedTtlSeconds: ttlSeconds }),
    traceId,
  });
  if (!issued.ok) {
    return issued;
  }
  response.json(x509AnswerOf(issued.value));
  return undefined;
}

function x509AnswerOf({ svid, entitlement, bundle }: IssuedSvid): X509Answer {
  return {
    spiffeId: entitlement.spiffeId.text,
    chain: [Buffer.from(svid.der).toString('base64')],
    notAfter: svid.profile.notAfter.toISOString(),
    ttlSeconds: entitlement.ttlSeconds,
    entryId: entitlement.entryId,
    sequence: String(bundle.sequence ?? 0n),
    bundles: bundleDocuments(bundle),
  };
}

/** Bundles by trust domain, as JSON values. */
export function bundleDocuments(bundle: SpiffeBundle): X509Answer['bundles'] {
  const document: unknown = JSON.parse(printSpiffeBundle(bundle));
  return { [bundle.trustDomain]: document };
}

function getStream(request: Request, response: Response, parts: AppParts): Routed {
  const caller = parts.caller(request);
  if (!caller.ok) {
    return caller;
  }
  const opened = parts.streams.open(caller.value, responseSink(response));
  if (!opened.ok) {
    return opened;
  }
  response.once('close', opened.value.close);
  return undefined;
}

function postAcknowledgement(request: Request, response: Response, parts: AppParts): Routed {
  const caller = parts.caller(request);
  const body = acknowledgement.safeParse(request.body);
  if (!caller.ok || !body.success) {
    return caller.ok ? refuse('malformed-request') : caller;
  }
  const { uid } = caller.value.pod;
  if (!parts.streams.has(body.data.stream, uid)) {
    return refuse('unknown-stream');
  }
  parts.acknowledge(uid, BigInt(body.data.sequence));
  response.status(204).end();
  return undefined;
}

function postDirectory(request: Request, response: Response, parts: AppParts): Routed {
  const caller = parts.caller(request);
  const body = directoryRequest.safeParse(request.body);
  if (!caller.ok || !body.success) {
    return caller.ok ? refuse('malformed-request') : caller;
  }
  const { stream, subscribe, drop } = body.data;
  const followed = parts.streams.follow(stream, caller.value.pod.uid, subscribe, drop);
  if (!followed.ok) {
    return followed;
  }
  response.status(204).end();
  return undefined;
}

/** Events that do not fit the vocabulary, or speak for another workload, are counted and dropped: the sender would only send them again. */
function postEvents(request: Request, response: Response, parts: AppParts): Routed {
  const caller = parts.caller(request);
  const body = eventBatch.safeParse(request.body);
  if (!caller.ok || !body.success) {
    return caller.ok ? refuse('malformed-request') : caller;
  }
  const { name, uid, node } = caller.value.pod;
  const leave = parts.mayForward(uid);
  if (!leave.ok) {
    return leave;
  }
  const sender: Replica = { pod: name, podUid: uid, node: node ?? '', version: '' };
  const fitting = body.data.events.flatMap((event) => {
    const parsed = forwardedEvent.safeParse(event);
    return parsed.success && isOwn(parsed.data.event, caller.value.svid.spiffeId.text) ? [parsed.data] : [];
  });
  fitting.forEach((event) => parts.forward(event, sender));
  response.json({ accepted: fitting.length, dropped: body.data.events.length - fitting.length });
  return undefined;
}

/** A sidecar is a witness of its own connections and identity, never of another's. Peers are what it saw; who it says it was itself, we know. */
function isOwn(event: AuditEvent, spiffeId: string): boolean {
  const own = 'own' in event ? event.own : 'spiffeId' in event ? event.spiffeId : undefined;
  const isOfWorkload = event.principal === undefined || event.principal.kind === 'workload';
  return sidecarEvents.includes(event.event) && isOfWorkload && (own === undefined || own === spiffeId);
}

const parserError = z.object({ type: z.string() });

/** Express' body parser says by `type` what was wrong with the bytes. Anything else is ours. */
function reasonOf(error: unknown): RefusalReason {
  const parsed = parserError.safeParse(error);
  if (!parsed.success) {
    return 'internal';
  }
  return parsed.data.type === 'entity.too.large' ? 'body-too-large' : 'malformed-request';
}
