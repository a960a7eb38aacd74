import type { JsonObject } from '../json.ts';
import type { Exchange } from '../request.ts';

/** The options object of an AdmissionReview, made of the request's query. */
export function optionsOf(
  exchange: Exchange,
  kind: 'CreateOptions' | 'UpdateOptions' | 'DeleteOptions',
  body: JsonObject = {},
): JsonObject {
  const { query } = exchange.request;
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...body,
    ...(exchange.isDryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager === '' ? {} : { fieldManager }),
    ...(fieldValidation === '' ? {} : { fieldValidation }),
  };
}
