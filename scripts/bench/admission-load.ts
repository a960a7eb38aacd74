import { Agent, request as httpsRequest } from 'node:https';
import { z } from 'zod';
import { type AdmissionLoad, type AdmissionLoadResult, admissionLoad } from './admission-load-messages.ts';
import { quantile } from './figure.ts';
import { answerQuestions } from './helper-process.ts';

/*
 * The client of subject `admission`, in a process of its own: keeps so many connections busy for so long, and compares every reply with what was expected.
 */

type Review = AdmissionLoad['reviews'][number];

const reply = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  response: z.object({
    uid: z.string(),
    allowed: z.boolean(),
    patch: z.string().optional(),
    patchType: z.literal('JSONPatch').optional(),
    status: z.object({ code: z.number(), message: z.string() }).optional(),
  }),
});

answerQuestions(async (question) => run(admissionLoad.parse(question)));

async function run(load: AdmissionLoad): Promise<AdmissionLoadResult> {
  const agent = new Agent({ ca: load.ca, servername: load.servername, keepAlive: true, maxSockets: load.connections });
  const latencies: number[] = [];
  const faults: string[] = [];
  const startedMs = performance.now();
  const worker = async (first: number): Promise<void> => {
    for (let turn = first; performance.now() - startedMs < load.milliseconds; turn += 1) {
      const review = load.reviews[turn % load.reviews.length];
      if (review === undefined) {
        throw new Error('nothing to send');
      }
      const sentMs = performance.now();
      const answered = await send(load.port, agent, review);
      latencies.push(performance.now() - sentMs);
      const fault = faultOf(answered, review);
      if (fault !== undefined) {
        faults.push(fault);
      }
    }
  };
  await Promise.all(Array.from({ length: load.connections }, (_, index) => worker(index)));
  const elapsedMs = performance.now() - startedMs;
  agent.destroy();
  return {
    count: latencies.length,
    wrong: faults.length,
    firstWrong: faults[0],
    elapsedMs,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

function send(port: number, agent: Agent, { path, body }: Review): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = httpsRequest({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (incoming) => {
      const chunks: Uint8Array[] = [];
      incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function faultOf({ status, text }: Answered, expected: Review): string | undefined {
  const read = status === 200 ? reply.safeParse(JSON.parse(text)) : undefined;
  if (read?.success !== true) {
    return `${expected.path}: HTTP ${status} ${text.slice(0, 200)}`;
  }
  const { uid, allowed, patch, status: denial } = read.data.response;
  const isRight =
    uid === expected.uid &&
    allowed === expected.allowed &&
    patch === expected.patch &&
    (denial?.code === 403) === !allowed &&
    expected.says.every((words) => denial?.message.includes(words) === true);
  return isRight ? undefined : `${expected.path}: ${text.slice(0, 400)}`;
}
