import { describe, expect, it } from 'vitest';
import { reviewSettingsOf } from './admission/review-settings.ts';
import { readWebhookSettings } from './settings.ts';

const needed = {
  SALLYPORT_TRUST_DOMAIN: 'prod.example',
  SALLYPORT_POD_NAME: 'webhook-0',
  SALLYPORT_POD_UID: 'uid',
  SALLYPORT_INJECTION_IMAGE: 'registry.example/sallyport@sha256:00',
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
};

describe('the webhook’s settings', () => {
  it('need little, and take the API server from the pod’s environment unless told', () => {
    expect(readWebhookSettings(needed)).toMatchObject({
      kubernetesHost: '10.96.0.1',
      kubernetesPort: 443,
      clusterPolicy: 'enforce',
      breakGlassGroups: undefined,
    });
    expect(
      readWebhookSettings({ ...needed, SALLYPORT_KUBERNETES_HOST: '127.0.0.1', SALLYPORT_KUBERNETES_PORT: '6443' }),
    ).toMatchObject({ kubernetesHost: '127.0.0.1', kubernetesPort: 6443 });
  });

  it('tell no break-glass group from none said', () => {
    expect(readWebhookSettings({ ...needed, SALLYPORT_BREAK_GLASS_GROUPS: '' }).breakGlassGroups).toEqual([]);
  });

  it('report every mistake at once: variable, what was read, what is expected', () => {
    const wrong = {
      ...needed,
      SALLYPORT_TRUST_DOMAIN: 'Prod Example',
      SALLYPORT_PORT: '80x',
      SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE: 'maybe',
      SALLYPORT_EXEMPTIONS_TICKET_PATTERN: '(',
      SALLYPORT_TRUST_DOMIAN: 'warn',
    };
    const mistakes = (() => {
      try {
        readWebhookSettings(wrong);
        return '';
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    })();
    for (const part of [
      'SALLYPORT_TRUST_DOMAIN',
      'SALLYPORT_PORT: read "80x"',
      'SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE',
      'off, audit, warn, enforce',
      'SALLYPORT_EXEMPTIONS_TICKET_PATTERN',
      'SALLYPORT_TRUST_DOMIAN',
    ]) {
      expect(mistakes).toContain(part);
    }
  });

  it('weaken rules by id, and have no word for guards', () => {
    const settings = reviewSettingsOf(
      readWebhookSettings({ ...needed, SALLYPORT_RULES_CREDENTIAL_IN_ENV_MODE: 'warn' }),
    );
    expect(settings.policy.ruleModes).toEqual({ 'credential-in-env': 'warn' });
    expect(() => readWebhookSettings({ ...needed, SALLYPORT_RULES_EXEMPTION_APPROVAL_MODE: 'off' })).toThrow(
      'SALLYPORT_RULES_EXEMPTION_APPROVAL_MODE',
    );
  });

  it('make one revision of one policy', () => {
    const revision = (change: Readonly<Record<string, string>>) =>
      reviewSettingsOf(readWebhookSettings({ ...needed, ...change })).revision;
    expect(revision({})).toBe(revision({ SALLYPORT_LOG_LEVEL: 'debug' }));
    expect(revision({})).not.toBe(revision({ SALLYPORT_CLUSTER_POLICY: 'warn' }));
  });
});
