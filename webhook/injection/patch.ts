import jsonPatch, { type Operation } from 'fast-json-patch';
import type { JsonObject } from '../admission/request.ts';

/**
 * The JSON patch (RFC 6902) from the object as it was *received* to the changed one; empty when nothing changed. Fields that we do not know are in neither side
 * of the difference and so survive. No `test` operations: another mutator may have been there in between.
 */
export function patchOf(received: JsonObject, changed: JsonObject): readonly Operation[] {
  return jsonPatch.compare(received, changed);
}
