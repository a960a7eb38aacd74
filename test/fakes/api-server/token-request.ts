import { type JsonObject, numberAt, objectAt, textAt, textsAt } from './json.ts';
import { timestamp } from './metadata.ts';
import type { ApiResponse, Exchange } from './request.ts';
import type { Services } from './services.ts';
import { badRequest, conflict, type FieldFault, invalid, notFound } from './status.ts';
import type { BoundObjects, TokenSubject } from './tokens.ts';
import { parseBody } from './write/body.ts';
import { required, writerOf } from './write/create.ts';
import { fieldsOf } from './write/fields.ts';
import { optionsOf } from './write/options.ts';

/** What tokens are bound to, looked up in the store. */
export function boundObjects({ store }: Pick<Services, 'store'>): BoundObjects {
  return (plural, namespace, name) => store.get({ group: '', plural }, namespace, name);
}

/** POST serviceaccounts/token: a token bound to the account and, where asked, to a live pod of that account. */
export async function requestToken(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const account = services.store.get(exchange.resource, exchange.namespace, exchange.name);
  if (account === undefined) {
    throw notFound(exchange.resource, exchange.name);
  }
  const request = tokenRequest(services, exchange, account);
  const call = {
    exchange,
    operation: 'CREATE' as const,
    name: exchange.name,
    oldObject: null,
    options: optionsOf(exchange, 'CreateOptions'),
  };
  const admitted = required(await services.admission.mutate(call, request));
  const subject = subjectOf(services, exchange, admitted, account);
  await services.admission.validate(call, admitted);
  const token = exchange.isDryRun ? '' : await services.tokens.issue(subject);
  const expiry = timestamp(new Date(services.clock.now().getTime() + subject.seconds * 1000));
  const body = { ...admitted, status: { token, expirationTimestamp: expiry } };
  return { kind: 'json', code: 201, body, warnings: exchange.warnings };
}

/** The pod a token is to be bound to: it must live, with the uid if one is named, under this account. */
export function boundPod(
  services: Services,
  namespace: string,
  account: string,
  reference: JsonObject,
): JsonObject | undefined {
  const name = textAt(reference, 'name');
  if (name === '') {
    return undefined;
  }
  if (textAt(reference, 'kind') !== 'Pod') {
    throw badRequest(`cannot bind token to object of type ${textAt(reference, 'kind')}; only pods are served here`);
  }
  const pods = { group: '', plural: 'pods' };
  const pod = services.store.get(pods, namespace, name);
  if (pod === undefined) {
    throw notFound(pods, name);
  }
  const [wanted, uid] = [textAt(reference, 'uid'), textAt(pod, 'metadata', 'uid')];
  if (wanted !== '' && wanted !== uid) {
    const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(pods, name, why);
  }
  const actual = textAt(pod, 'spec', 'serviceAccountName');
  if (actual !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount "${actual}"`,
    );
  }
  return pod;
}

/** The claims' view of a pod and its node. */
export function podClaims({ store }: Services, pod: JsonObject | undefined): Pick<TokenSubject, 'pod' | 'node'> {
  if (pod === undefined) {
    return {};
  }
  const nodeName = textAt(pod, 'spec', 'nodeName');
  const node = nodeName === '' ? undefined : store.get({ group: '', plural: 'nodes' }, '', nodeName);
  return {
    pod: { name: textAt(pod, 'metadata', 'name'), uid: textAt(pod, 'metadata', 'uid') },
    ...(node === undefined ? {} : { node: { name: nodeName, uid: textAt(node, 'metadata', 'uid') } }),
  };
}

/** The object that admission sees: the request under the account's name and uid, without a token. */
function tokenRequest(services: Services, exchange: Exchange, account: JsonObject): JsonObject {
  const spec = objectAt(parseBody(exchange), 'spec');
  const audiences = textsAt(spec, 'audiences');
  const { boundObjectRef } = spec;
  const complete: JsonObject = {
    audiences: audiences.length === 0 ? [services.tokens.issuer] : audiences,
    expirationSeconds: numberAt(spec, 'expirationSeconds') ?? 3600,
    ...(boundObjectRef === undefined ? {} : { boundObjectRef }),
  };
  const { time, ...writer } = writerOf(services, exchange, 'Update');
  const apiVersion = 'authentication.k8s.io/v1';
  const entry = { ...writer, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: fieldsOf({ spec }, []) };
  const metadata = {
    name: exchange.name,
    namespace: exchange.namespace,
    uid: textAt(account, 'metadata', 'uid'),
    creationTimestamp: time,
    managedFields: [entry],
  };
  return {
    kind: 'TokenRequest',
    apiVersion,
    metadata,
    spec: complete,
    status: { token: '', expirationTimestamp: null },
  };
}

function subjectOf(services: Services, exchange: Exchange, request: JsonObject, account: JsonObject): TokenSubject {
  const seconds = numberAt(request, 'spec', 'expirationSeconds') ?? 3600;
  const fault = lifetimeFault(seconds);
  if (fault !== undefined) {
    throw invalid('TokenRequest', 'authentication.k8s.io', '', [fault]);
  }
  const pod = boundPod(services, exchange.namespace, exchange.name, objectAt(request, 'spec', 'boundObjectRef'));
  return {
    namespace: exchange.namespace,
    serviceAccount: { name: exchange.name, uid: textAt(account, 'metadata', 'uid') },
    ...podClaims(services, pod),
    audiences: textsAt(request, 'spec', 'audiences'),
    seconds,
  };
}

function lifetimeFault(seconds: number): FieldFault | undefined {
  const why =
    seconds < 600
      ? 'may not specify a duration less than 10 minutes'
      : seconds > 2 ** 32
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  return why === undefined
    ? undefined
    : { reason: 'FieldValueInvalid', field: 'spec.expirationSeconds', message: `Invalid value: ${seconds}: ${why}` };
}
