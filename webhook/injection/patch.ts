import jsonPatch, { type Operation } from 'fast-json-patch';
import type { Json, JsonObject } from '../admission/request.ts';
import { pointer } from '../policy/finding.ts';
import { isJsonObject, isSameJson, memberAt } from '../policy/json-access.ts';

/*
 * A comparison of lists by position would write an entry put in front over its neighbour, and every later one over the next: the author's containers would be
 * sent back re-encoded, numbers beyond 2^53 rounded. So:
 *   1. lists that differ are edited by whole entries, removed (last first) or added (first first); what stays is never named;
 *   2. everything else is the library's difference, with those lists taken as equal.
 */

/**
 * The JSON patch (RFC 6902) from the object as it was *received* to the changed one; empty when nothing changed. What did not change is in no operation, and so
 * survives as it was sent, known to us or not (AR-15). No `test` operations: another mutator may have been there in between.
 */
export function patchOf(received: JsonObject, changed: JsonObject): readonly Operation[] {
  const edits: Operation[] = [];
  const rest = withListsEdited(received, changed, '', edits);
  return [...jsonPatch.compare(received, isJsonObject(rest) ? rest : changed), ...edits];
}

/** `after` with every list that both sides have put back as it was before; what turns that into the list afterwards is appended to `edits`. */
function withListsEdited(before: Json | undefined, after: Json, path: string, edits: Operation[]): Json {
  if (before === after || before === undefined) {
    return after;
  }
  if (isList(before) && isList(after)) {
    edits.push(...listEdits(before, after, path));
    return before;
  }
  if (!isJsonObject(before) || !isJsonObject(after)) {
    return after;
  }
  return Object.fromEntries(
    Object.entries(after).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, withListsEdited(memberAt(before, key), value, pointer(path, key), edits)]],
    ),
  );
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

function listEdits(before: readonly Json[], after: readonly Json[], path: string): readonly Operation[] {
  const kept = keptEntries(before, after);
  const [stays, is] = [new Set(kept.map(([old]) => old)), new Set(kept.map(([, now]) => now))];
  const removals = before.flatMap((_, index): readonly Operation[] =>
    stays.has(index) ? [] : [{ op: 'remove', path: pointer(path, index) }],
  );
  const additions = after.flatMap((value, index): readonly Operation[] =>
    is.has(index) ? [] : [{ op: 'add', path: pointer(path, index), value }],
  );
  return [...removals.toReversed(), ...additions];
}

/**
 * Which entry before is which afterwards, both in order. Objects that both lists share decide, as a changed object shares what it leaves alone; an equal entry is
 * the same one unless that would pass over a shared one. What is not found is new, never changed.
 */
function keptEntries(before: readonly Json[], after: readonly Json[]): readonly (readonly [number, number])[] {
  const kept: (readonly [number, number])[] = [];
  const shared = new Set<Json>(after.filter((entry) => isJsonObject(entry) && before.includes(entry)));
  let from = 0;
  after.forEach((entry, now) => {
    const ahead = before.slice(from);
    const nextShared = ahead.findIndex((candidate) => shared.has(candidate));
    const mayBe = shared.has(entry) || nextShared < 0 ? ahead : ahead.slice(0, nextShared);
    const found = mayBe.findIndex((candidate) => candidate === entry || isSameJson(candidate, entry));
    if (found >= 0) {
      kept.push([from + found, now]);
      from += found + 1;
    }
  });
  return kept;
}
