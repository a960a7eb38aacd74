import { randomUUID } from 'node:crypto';
import { type JsonObject, requireJson, textAt } from '../json.ts';
import type { AdmissionCall } from '../services.ts';
import { userInfo } from '../user.ts';

/** An AdmissionReview with the members of a recorded one, in their order. `object` is null on DELETE. */
export function reviewRequest(
  call: AdmissionCall,
  object: JsonObject | null,
): { readonly uid: string; readonly review: JsonObject } {
  const uid = randomUUID();
  const { exchange, name, operation } = call;
  const kind = kindOf(call, object);
  const { group, version, plural } = exchange.resource;
  const resource = { group, version, resource: plural };
  const namespace = exchange.resource.kind === 'Namespace' ? name : exchange.namespace;
  const request: JsonObject = {
    uid,
    kind,
    resource,
    ...(exchange.subresource === '' ? {} : { subResource: exchange.subresource }),
    requestKind: kind,
    requestResource: resource,
    ...(exchange.subresource === '' ? {} : { requestSubResource: exchange.subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: requireJson(userInfo(exchange.user)),
    object,
    oldObject: call.oldObject,
    dryRun: exchange.isDryRun,
    options: call.options,
  };
  return { uid, review: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request } };
}

/** A subresource may carry a kind of its own, such as a TokenRequest. */
function kindOf(call: AdmissionCall, object: JsonObject | null): JsonObject {
  const { group, version, kind } = call.exchange.resource;
  if (object === null || textAt(object, 'kind') === kind) {
    return { group, version, kind };
  }
  const [first = '', second] = textAt(object, 'apiVersion').split('/');
  const type = second === undefined ? { group: '', version: first } : { group: first, version: second };
  return { ...type, kind: textAt(object, 'kind') };
}
