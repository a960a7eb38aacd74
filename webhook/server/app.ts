import express, { type Express, type Request, type Response } from 'express';
import type { Clock } from '../../runtime/clock.ts';
import { deadlineIn } from '../../runtime/deadline.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { Call, Half } from '../admission/call.ts';
import type { AdmissionResponse } from '../admission/decision.ts';
import { newDecisionId } from '../admission/decision-id.ts';
import { AdmissionFailure, asAdmissionFailure, failureSentence, failureStatus } from '../admission/failures.ts';
import type { AdmissionRequest } from '../admission/request.ts';
import { decodeAdmissionReview } from './admission-review.ts';
import { readBody } from './body.ts';
import { encodeAdmissionReview } from './decision-response.ts';
import { requestBudgetMs } from './request-time.ts';

/** What the app reports of its own; what a review came to is recorded by whoever judges it. */
export interface AppObserver {
  received(half: Half, bytes: number): void;
  answered(half: Half, milliseconds: number): void;
  /** `code`: a refusal of the envelope (`malformed-review`, `too-large`, ...) or a failure. */
  refused(code: string): void;
  failed(failure: AdmissionFailure, correlationId: string): void;
}

export interface AppOptions {
  readonly admit: (call: Call) => Promise<AdmissionResponse>;
  readonly bodyLimitBytes: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly observer: AppObserver;
}

/**
 * The admission listener: `POST /mutate`, `POST /validate`. A decision is 200; the caller's malformed input 4xx; failures of ours 5xx with a generic sentence and
 * a correlation id under which the cause is logged (AR-02, AR-04 to AR-06, AR-08). It answers once, and never after the caller's deadline.
 */
export function admissionApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  for (const half of ['mutate', 'validate'] as const) {
    app.post(`/${half}`, (request, response) => serve(half, request, response, options));
    app.all(`/${half}`, (_request, response) => void response.status(405).set('allow', 'POST').end());
  }
  app.use((_request, response) => void response.status(404).end());
  return app;
}

async function serve(half: Half, request: Request, response: Response, options: AppOptions): Promise<void> {
  const { clock, observer } = options;
  const startedMs = clock.monotonicMs();
  const deadline = deadlineIn(clock, requestBudgetMs(request.query['timeout']));
  const decisionId = newDecisionId(options.random);
  const answer = onceOnly(response);
  const work = new AbortController();
  const cancel = clock.after(deadline.remainingMs(), () => {
    work.abort();
    answerFailure(answer, new AdmissionFailure('deadline'), decisionId, observer);
  });
  response.on('close', () => {
    if (!response.writableFinished) {
      work.abort();
    }
  });
  try {
    const decoded = await decodeCall(request, options);
    if (decoded.kind === 'refused') {
      observer.refused(decoded.code);
      answer(decoded.status, { code: decoded.code, message: decoded.message });
    } else if (decoded.kind === 'review') {
      observer.received(half, decoded.bytes);
      const admitted = await options.admit({
        half,
        request: decoded.request,
        decisionId,
        deadline,
        signal: work.signal,
      });
      answer(200, encodeAdmissionReview(admitted));
    }
  } catch (error) {
    answerFailure(answer, asAdmissionFailure(error), decisionId, observer);
  } finally {
    cancel();
    observer.answered(half, clock.monotonicMs() - startedMs);
  }
}

/** Sends one answer; later ones are dropped. Says whether this was the one. */
type Answer = (status: number, body: string | Readonly<Record<string, string>>) => boolean;

function onceOnly(response: Response): Answer {
  let isAnswered = false;
  return (status, body) => {
    if (isAnswered || response.destroyed) {
      return false;
    }
    isAnswered = true;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.status(status).set('content-type', 'application/json').end(text);
    return true;
  };
}

function answerFailure(answer: Answer, failure: AdmissionFailure, correlationId: string, observer: AppObserver): void {
  if (
    answer(failureStatus[failure.code], { code: failure.code, message: failureSentence[failure.code], correlationId })
  ) {
    observer.failed(failure, correlationId);
  }
}

type Decoded =
  | { readonly kind: 'review'; readonly request: AdmissionRequest; readonly bytes: number }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }
  | { readonly kind: 'gone' };

async function decodeCall(request: Request, options: AppOptions): Promise<Decoded> {
  if (request.headers['content-encoding'] !== undefined) {
    return {
      kind: 'refused',
      status: 415,
      code: 'content-encoding',
      message: 'send the review without content encoding',
    };
  }
  if (!isJsonType(request.headers['content-type'])) {
    return { kind: 'refused', status: 415, code: 'content-type', message: 'send the review as application/json' };
  }
  const body = await readBody(request, options.bodyLimitBytes);
  if (body.kind === 'aborted') {
    return { kind: 'gone' };
  }
  if (body.kind === 'too-large') {
    return {
      kind: 'refused',
      status: 413,
      code: 'too-large',
      message: 'the review is larger than any the API server sends',
    };
  }
  const parsed = decodeAdmissionReview(body.bytes);
  return parsed.ok
    ? { kind: 'review', request: parsed.value, bytes: body.bytes.byteLength }
    : { kind: 'refused', status: 400, code: parsed.problem.code, message: parsed.problem.message };
}

/** `application/json`, with or without parameters. */
function isJsonType(header: string | undefined): boolean {
  return header?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}
