import type { JsonObject } from '../admission/request.ts';

/** Whether an answer of the API server is an object at all. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
