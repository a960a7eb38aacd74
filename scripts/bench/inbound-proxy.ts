import { createPrivateKey } from 'node:crypto';
import { requireParsed } from '../../runtime/parsed.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import { parsePemBlocks, parsePemCertificates } from '../../spiffe/pem.ts';
import { x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { openTo, startPlane } from '../../test/builders/data-plane.ts';
import { answerQuestions } from './helper-process.ts';
import { proxyOrder } from './inbound-messages.ts';

/*
 * The sidecar's inbound path in a process of its own, on a core of its own: everything of the product but the identity loop, which is idle in a round anyway.
 */

answerQuestions(async (question) => {
  const order = proxyOrder.parse(question);
  const trustDomain = requireTrustDomain(order.trustDomain);
  const bundle = x509Bundle(trustDomain, requireParsed(parsePemCertificates(order.anchorPem)));
  const chain = requireParsed(parsePemBlocks(order.certPem)).map(({ der }) => der);
  const leaf = requireParsed(parseCertificate(chain[0] ?? new Uint8Array()));
  const plane = await startPlane({
    authority: {
      trustDomain,
      bundle,
      bundles: new Map([[trustDomain, bundle]]),
      anchorDer: bundle.authorities[0]?.der ?? new Uint8Array(),
      anchorPem: order.anchorPem,
      anchorKey: createPrivateKey(order.keyPem),
      issue: () => ({ chain, key: createPrivateKey(order.keyPem), certPem: order.certPem, keyPem: order.keyPem }),
    },
    path: leaf.uris[0]?.slice(`spiffe://${trustDomain}`.length) ?? '',
    appPort: order.appPort,
    access: openTo(trustDomain),
  });
  return { port: plane.inboundPort };
});
