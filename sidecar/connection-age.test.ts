import { describe, expect, it } from 'vitest';
import { connectionAge } from './connection-age.ts';

const hour = 3_600_000;

describe('connectionAge', () => {
  it.each([
    {
      name: 'the earliest end bounds it',
      bounds: { openedAtMs: 0, notAfterMs: [1_000, 600] },
      draw: 0,
      age: { quietFromMs: 540, deadlineMs: 600 },
    },
    {
      name: 'the draw takes off up to a tenth',
      bounds: { openedAtMs: 0, notAfterMs: [1_000] },
      draw: 1,
      age: { quietFromMs: 800, deadlineMs: 900 },
    },
    {
      name: 'of a long life at most five minutes, and the last hour',
      bounds: { openedAtMs: 0, notAfterMs: [24 * hour] },
      draw: 1,
      age: { quietFromMs: 23 * hour - 300_000, deadlineMs: 24 * hour - 300_000 },
    },
    {
      name: 'the greatest age bounds it too',
      bounds: { openedAtMs: 100, notAfterMs: [5_000], maxAgeMs: 1_000 },
      draw: 0,
      age: { quietFromMs: 1_000, deadlineMs: 1_100 },
    },
    {
      name: 'nothing bounds plaintext',
      bounds: { openedAtMs: 0, notAfterMs: [] },
      draw: 0.5,
      age: { quietFromMs: Infinity, deadlineMs: Infinity },
    },
    {
      name: 'what has ended already has no life left',
      bounds: { openedAtMs: 500, notAfterMs: [400] },
      draw: 1,
      age: { quietFromMs: 400, deadlineMs: 400 },
    },
  ])('$name', ({ bounds, draw, age }) => {
    expect(connectionAge(bounds, draw)).toEqual(age);
  });
});
