/** Version of all programs of this release: in metrics, audit records and the annotation of injected pods. The package's own. */
export const productVersion = '0.1.0';
