import { expect, test } from 'vitest';
import { nextReplicas, type Share, strategyOf } from './rollout.ts';

const share = (name: string, replicas: number, available: number, more: Partial<Share> = {}): Share => ({
  name,
  isNew: name === 'new',
  replicas,
  available,
  present: replicas,
  ...more,
});

const rolling = { replicas: 4, isRecreate: false, maxSurge: 1, maxUnavailable: 1 };

test.each([
  ['begins with the surge and what may be missing', [share('old', 4, 4), share('new', 0, 0)], { new: 1, old: 3 }],
  ['takes nothing twice while the report lags', [share('old', 3, 4), share('new', 1, 0)], { new: 2, old: 3 }],
  ['goes on when a new one serves', [share('old', 3, 3), share('new', 2, 2)], { new: 2, old: 1 }],
  ['ends with the new alone', [share('old', 0, 0), share('new', 4, 4)], { new: 4, old: 0 }],
  ['lets go first what serves nobody', [share('old', 4, 2), share('new', 0, 0)], { new: 1, old: 3 }],
  ['shrinks a share that asks for too many', [share('new', 6, 6)], { new: 4 }],
])('%s', (_name, shares, expected) => {
  expect(Object.fromEntries(nextReplicas(rolling, shares))).toEqual(expected);
});

test('recreate makes nothing new before the last old pod is gone', () => {
  const recreate = { ...rolling, isRecreate: true };
  const old = share('old', 0, 0, { present: 1 });
  expect(nextReplicas(recreate, [old, share('new', 0, 0)]).get('new')).toBe(0);
  expect(nextReplicas(recreate, [{ ...old, present: 0 }, share('new', 0, 0)]).get('new')).toBe(4);
});

test.each([
  [4, '25%', '25%', 1, 1],
  [3, '25%', '25%', 1, 0],
  [1, '25%', '25%', 1, 0],
  [4, 2, 0, 2, 0],
  [4, 0, 0, 0, 1],
])(
  'of %i replicas surge %j and unavailable %j are %i and %i',
  (replicas, maxSurge, maxUnavailable, surge, unavailable) => {
    const strategy = strategyOf({
      spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
    });
    expect([strategy.maxSurge, strategy.maxUnavailable]).toEqual([surge, unavailable]);
  },
);
