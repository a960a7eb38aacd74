import { describe, expect, it } from 'vitest';
import { environmentOf, expand, type KeyLookup, underRoot } from './environment.ts';
import { podSchema } from './pod.ts';

const pod = podSchema.parse({
  metadata: { name: 'web-1', namespace: 'shop', uid: 'u-1', resourceVersion: '1', labels: { app: 'web' } },
  spec: {
    nodeName: 'node-1',
    containers: [
      {
        name: 'web',
        image: 'web',
        volumeMounts: [{ name: 'identity', mountPath: '/var/run/secrets/sallyport' }],
        env: [
          { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: 'URL', value: 'http://$(HOST):80/$(UNKNOWN)/$$(HOST)' },
          { name: 'TOKEN_FILE', value: '/var/run/secrets/sallyport/token' },
          { name: 'OTHER_FILE', value: '/var/run/secrets/sallyport-other/token' },
          { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'paint', key: 'colour' } } },
          { name: 'SHADE', valueFrom: { configMapKeyRef: { name: 'paint', key: 'shade', optional: true } } },
        ],
      },
    ],
  },
});
const [container] = pod.spec.containers;
const lookup: KeyLookup = (_kind, _name, key) => Promise.resolve(key === 'colour' ? 'red' : undefined);
const placement = { address: '127.0.1.2', root: '/host/root' };

describe('the environment of a container', () => {
  it('comes from the container spec: fields, references, expansion, mount paths below the root', async () => {
    if (container === undefined) {
      throw new TypeError('the pod has a container');
    }
    expect(await environmentOf(pod, container, placement, { environment: { HOST: '127.0.1.9' } }, lookup)).toEqual({
      HOST: '127.0.1.9',
      LABEL: 'web',
      URL: 'http://127.0.1.2:80/$(UNKNOWN)/$(HOST)',
      TOKEN_FILE: '/host/root/var/run/secrets/sallyport/token',
      OTHER_FILE: '/var/run/secrets/sallyport-other/token',
      COLOUR: 'red',
    });
  });

  it('does not start a container whose reference leads nowhere', async () => {
    if (container === undefined) {
      throw new TypeError('the pod has a container');
    }
    await expect(
      environmentOf(pod, container, placement, { environment: {} }, () => Promise.resolve(undefined)),
    ).rejects.toThrow('COLOUR');
  });

  it('moves the termination log below the root too', () => {
    expect(container === undefined ? '' : underRoot('/dev/termination-log', container, '/r')).toBe(
      '/r/dev/termination-log',
    );
  });

  it('expands what is known so far, and nothing else', () => {
    expect(expand('$(A)-$(B)-$$(A)', { A: '1' })).toBe('1-$(B)-$(A)');
  });
});
