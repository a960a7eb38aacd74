import { describe, expect, it } from 'vitest';
import { readAuthoritySettings } from './settings.ts';

const least = {
  SALLYPORT_TRUST_DOMAIN: 'prod.example',
  SALLYPORT_POD_NAME: 'a-1',
  SALLYPORT_POD_UID: 'uid',
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
};

describe('settings', () => {
  it('are complete with four values; the API server’s address comes from Kubernetes’ own variables', () => {
    expect(readAuthoritySettings({ ...least, KUBERNETES_SERVICE_PORT: '6443' })).toMatchObject({
      kubernetesHost: '10.96.0.1',
      kubernetesPort: 6443,
      x509Ttl: 86_400_000,
      idTemplate: { text: '/ns/{namespace}/sa/{serviceAccount}' },
      attestSourceAddress: 'auto',
    });
  });

  it('tell every mistake at once, also between fields', () => {
    const odd = {
      ...least,
      SALLYPORT_TRUST_DOMAIN: 'Prod',
      SALLYPORT_X509_TTL: '9s',
      SALLYPORT_ID_TEMPLATE: '/x',
      SALLYPORT_PROT: '1',
    };
    for (const variable of [
      'SALLYPORT_TRUST_DOMAIN',
      'SALLYPORT_X509_TTL',
      'SALLYPORT_ID_TEMPLATE',
      'SALLYPORT_PROT',
    ]) {
      expect(() => readAuthoritySettings(odd)).toThrow(variable);
    }
    expect(() => readAuthoritySettings({ ...least, SALLYPORT_X509_TTL: '24h', SALLYPORT_KEY_PERIOD: '25h' })).toThrow(
      /108000 s/,
    );
  });
});
