import type { Ended, Service } from '../../runtime/service.ts';
import type { PolicyStore } from './policy-store.ts';

/** Ready when the first policy has come: nothing is accepted before somebody decided who may. */
export function policyService(store: PolicyStore): Service {
  const ended = Promise.withResolvers<Ended>();
  return {
    name: 'access-policy',
    ended: ended.promise,
    start: () =>
      new Promise((resolve) => {
        if (store.current() !== undefined) {
          resolve();
          return;
        }
        const cancel = store.onChange(() => {
          cancel();
          resolve();
        });
      }),
    stop() {
      ended.resolve({ by: 'stop' });
      return Promise.resolve();
    },
  };
}
