import type { RefusalReason as AuthorityRefusalReason } from '../../authority/refusal.ts';
import type { EndReason, RefusalReason } from '../../sidecar/reasons.ts';
import type { SpiffeProblemCode } from '../../spiffe/failures.ts';
import type { Meanings } from './failure-meanings.ts';

/** What to do about each refusal of the authority; what it means is the public sentence itself (`authority/server/problem.ts`). */
export const authorityRemedies: Readonly<Record<AuthorityRefusalReason, string>> = {
  'token-missing': 'Check that the sidecar’s projected volume is mounted; the injector writes it.',
  'token-malformed': 'Check what overwrote the token file: the kubelet alone should write it.',
  'csr-invalid': 'Use a client of this version.',
  'key-type': 'Use P-256.',
  'rate-limited': 'Wait as told. If whole rollouts meet it, raise `SALLYPORT_LIMITS_*` of the authority.',
  overloaded: 'Wait as told. If it persists, look at the API server’s latency, then add replicas.',
  'hold-down': 'Wait: after a total loss new keys sign only when the sidecars know them.',
  'no-signer': 'Wait for the next key; if it stays, look at `signing_keys` and the authority’s log.',
  'review-unavailable': 'Check the API server, and that the authority may create TokenReviews.',
  'token-rejected': 'Wait for the kubelet’s next token; then check the clocks and whether pod or account was deleted.',
  audience:
    'Let the injector write the volume: the audience is `sallyport-authority.<trust domain>`. Both sides must name the same trust domain.',
  'not-a-service-account': 'Send the pod’s own token.',
  'token-not-pod-bound': 'Replace the legacy token by the projected volume that the injector writes.',
  'pod-unknown': 'Nothing, if the pod was just deleted; else check the authority’s watch of pods.',
  'pod-uid-mismatch': 'Nothing: the pod was replaced, its successor attests itself.',
  'service-account-mismatch': 'Find who sends another pod’s token.',
  'pod-terminating': 'Nothing: a pod on its way out keeps what it has.',
  'pod-phase': 'Nothing: the pod is finished.',
  'node-unknown': 'Nothing: the pod is not scheduled yet. If it runs, find who sends its token.',
  'node-mismatch': 'Find who sends a token that was made for another node.',
  'not-injected': 'Label the namespace `sallyport.dev/identity: enabled` and make the pod anew.',
  'svid-mismatch': 'Find who shows another pod’s SVID; a restarted sidecar attests anew by itself.',
  'address-unknown': 'Wait: the kubelet has not reported the pod’s address yet.',
  'address-mismatch':
    'Find who sends the token from elsewhere. If the network rewrites sources, set `SALLYPORT_ATTEST_SOURCE_ADDRESS` to `audit`.',
  'token-reused': 'Find who else uses the token; restarts in a loop look the same, so look at the container first.',
  'not-entitled': 'Choose names of namespace and account that SPIFFE allows, or mend `SALLYPORT_ID_TEMPLATE`.',
  lint: 'Report it: the certificate would have broken the clause that the log names.',
  'audit-unavailable': 'Check the authority’s audit volume.',
  'client-certificate-missing': 'Show the SVID on this route: it renews, streams or reports.',
  'client-certificate-invalid': 'Attest anew; if it stays, compare the trust bundles of both sides.',
  'unknown-stream': 'Reopen the stream and send to the replica that `hello` names.',
  'malformed-request': 'Use a client of this version.',
  'body-too-large': 'Send less at once: 64 KiB at most.',
  'not-found': 'Use a route of the contract.',
  internal: 'Report it with the `traceId` of the answer.',
};

/** Why a sidecar did not carry a connection. */
export const connectionRefusals: Meanings<RefusalReason> = {
  'connection-limit': {
    meaning: 'Too many connections at once, or too many new ones from one address.',
    remedy: 'Find the caller; raise the memory limit, `connectionsPerSecond` or `connectionBurst`.',
  },
  'handshake-limit': {
    meaning: 'Too many handshakes under way or waiting.',
    remedy: 'Find the caller that opens so many, or raise `maxHandshakes`.',
  },
  'first-byte-timeout': {
    meaning: 'The peer connected and sent nothing.',
    remedy: 'Find the port scanner or TCP health check.',
  },
  'handshake-timeout': {
    meaning: 'The peer did not finish its handshake in time.',
    remedy: 'Check the network and the peer’s CPU.',
  },
  plaintext: {
    meaning: 'The peer speaks no TLS to a port that takes mTLS only.',
    remedy: 'Opt the caller’s namespace in, or let it use its own outbound port.',
  },
  'tls-protocol': {
    meaning: 'The peer broke the TLS protocol, or speaks no TLS 1.3; `detail` says how.',
    remedy: 'Find the peer; update its TLS.',
  },
  'no-client-certificate': {
    meaning: 'The peer showed no certificate.',
    remedy: 'Opt the caller’s namespace in, so that it has an identity.',
  },
  'tls-untrusted': {
    meaning: 'OpenSSL found no way from the peer’s certificate to an anchor we hold; `detail` is its code.',
    remedy: 'Federate with the peer’s trust domain, or compare the trust bundles of both sides.',
  },
  'peer-invalid': {
    meaning: 'The peer’s certificate is no valid X.509-SVID of its own trust domain; `detail` names the clause.',
    remedy: 'Look the clause up below; mend the issuer.',
  },
  'peer-domain-unknown': {
    meaning: 'The peer is of a trust domain whose bundle we do not hold.',
    remedy: 'Federate with that trust domain.',
  },
  resumed: {
    meaning: 'The peer resumed a session, which would skip its judgement.',
    remedy: 'Turn off session resumption in the peer.',
  },
  'access-denied': {
    meaning: 'The peer proved who it is, and no AccessPolicy lets it in.',
    remedy: 'Write an AccessPolicy in the namespace of the pod that is called.',
  },
  'identity-expired': {
    meaning: 'The sidecar’s own SVID has expired: it is closed.',
    remedy: 'Read `lastError` on its `/ready`; mend the way to the authority.',
  },
  draining: {
    meaning: 'The pod is stopping.',
    remedy: 'Nothing; if callers see it, raise `drainTimeout` or mend readiness.',
  },
  'app-refused': {
    meaning: 'The application does not listen on its port.',
    remedy: 'Check the application and the port mapping.',
  },
  'app-timeout': { meaning: 'The application did not accept in time.', remedy: 'Check the application’s load.' },
  'destination-unknown': {
    meaning: 'The directory knows no such Service and port.',
    remedy: 'Mend the outbound mapping, `<service>.<namespace>.svc:<port>`.',
  },
  'directory-unavailable': {
    meaning: 'The directory has not answered yet.',
    remedy: 'Check the stream to the authority.',
  },
  'no-endpoint': { meaning: 'The Service has no ready pod.', remedy: 'Check the pods behind it.' },
  'connect-failed': {
    meaning: 'The other pod refused or cannot be reached.',
    remedy: 'Check the pod and network policy.',
  },
  'connect-timeout': {
    meaning: 'The other pod did not answer the dial.',
    remedy: 'Check network policy and the node.',
  },
  'handshake-failed': {
    meaning: 'The handshake with the other sidecar broke off; `detail` says how.',
    remedy: 'Read the other side’s log: it knows why it refused.',
  },
  'peer-id-mismatch': {
    meaning: 'Whoever answered has a valid identity, but not one that may answer there.',
    remedy: 'Nothing, if the address just changed hands; else find who took it.',
  },
};

/** How a carried connection ended. */
export const connectionEnds: Meanings<EndReason> = {
  eof: { meaning: 'Both sides were done.', remedy: 'Nothing.' },
  reset: { meaning: 'One side cut it.', remedy: 'Nothing; if it persists, look at the applications.' },
  'idle-timeout': { meaning: 'Nobody sent anything for long.', remedy: 'Use keep-alives, or raise `idleTimeout`.' },
  'half-close-timeout': {
    meaning: 'One side was done and the other silent for long.',
    remedy: 'Mend the application that never closes, or raise `halfCloseTimeout`.',
  },
  'max-age': {
    meaning: 'It reached `maxConnectionAge` or the end of an SVID it was made with.',
    remedy: 'Let the application connect again.',
  },
  'trust-removed': { meaning: 'The peer’s anchor was withdrawn.', remedy: 'Nothing: that is its purpose.' },
  'policy-changed': { meaning: 'No AccessPolicy allows it any more.', remedy: 'Nothing, if that was meant.' },
  'drain-timeout': {
    meaning: 'The pod stopped and the connection had not ended by itself.',
    remedy: 'Raise `drainTimeout`, or let the application end its connections on SIGTERM.',
  },
};

/** Why a SPIFFE ID, certificate, chain or bundle was not accepted. */
export const spiffeProblems: Meanings<SpiffeProblemCode> = {
  'spiffe-id-malformed': {
    meaning: 'The text is no SPIFFE ID; the clause and offset say where.',
    remedy: 'Mend the id.',
  },
  'trust-domain-malformed': {
    meaning: 'The text is no trust domain name.',
    remedy: 'Use lower-case letters, digits, `.`, `-` and `_`.',
  },
  'pattern-malformed': {
    meaning: 'The text is no path pattern.',
    remedy: 'Use whole segments, `*` for one, a last `**` for one or more.',
  },
  'der-malformed': { meaning: 'The bytes are not strict DER.', remedy: 'Mend the issuer.' },
  'pem-malformed': { meaning: 'The text is no PEM with certificates.', remedy: 'Mend the file.' },
  'certificate-malformed': {
    meaning: 'The bytes are no X.509 certificate we can rely on.',
    remedy: 'Mend the issuer.',
  },
  'key-unsupported': {
    meaning: 'A key of a kind or size we do not take.',
    remedy: 'Use P-256, P-384 or RSA of 2048 bits or more.',
  },
  'algorithm-unsupported': {
    meaning: 'A signature algorithm we do not take.',
    remedy: 'Use ECDSA or RSA with SHA-256 or better.',
  },
  'chain-empty': { meaning: 'No certificate at all.', remedy: 'Send the leaf first, then its intermediates.' },
  'chain-too-long': {
    meaning: 'More certificates than a chain may have.',
    remedy: 'Send the leaf and its intermediates only.',
  },
  'leaf-not-an-svid': { meaning: 'The leaf breaks a clause of X.509-SVID; it is named.', remedy: 'Mend the issuer.' },
  'signer-not-allowed': { meaning: 'A certificate of the chain may not sign.', remedy: 'Mend the intermediate.' },
  'bundle-unknown': { meaning: 'There is no bundle for the trust domain.', remedy: 'Federate with it.' },
  'bundle-mismatch': { meaning: 'The bundle is of another trust domain.', remedy: 'Mend where it comes from.' },
  'bundle-empty': {
    meaning: 'The bundle has no usable anchor: every SVID of the domain is invalid.',
    remedy: 'Mend the bundle’s publisher.',
  },
  'issuer-unknown': {
    meaning: 'No anchor of the trust domain signed the chain.',
    remedy: 'Compare the bundles of both sides.',
  },
  'not-yet-valid': { meaning: 'A certificate’s time has not come.', remedy: 'Check the clocks.' },
  expired: { meaning: 'A certificate’s time is over.', remedy: 'Find why it was not renewed; check the clocks.' },
  'signature-invalid': {
    meaning: 'A signature does not verify.',
    remedy: 'Treat it as an attack until it is explained.',
  },
  'path-length-exceeded': {
    meaning: 'More certificates than a signer’s path length allows.',
    remedy: 'Mend the hierarchy.',
  },
  'critical-extension-unknown': {
    meaning: 'A critical extension that we do not know.',
    remedy: 'Leave it out, or not critical.',
  },
  'name-constraint-violated': {
    meaning: 'A signer may not sign for this name.',
    remedy: 'Mend its name constraints, or the id.',
  },
  'too-many-paths': {
    meaning: 'The search for a path was given up.',
    remedy: 'Send fewer certificates with the same names.',
  },
  'json-malformed': { meaning: 'The text is not strict JSON.', remedy: 'Mend the document.' },
  'bundle-malformed': {
    meaning: 'The document is no SPIFFE bundle; the path says where.',
    remedy: 'Mend the document; the last good one stays in use.',
  },
};
