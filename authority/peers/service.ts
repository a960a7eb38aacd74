/** What the directory keeps of a Service. */
export interface ServiceFacts {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIps: readonly string[];
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** What it keeps of one EndpointSlice. `ports`: target ports by the name of the Service's port. */
export interface SliceFacts {
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string } | undefined;
  readonly zone: string | undefined;
  readonly node: string | undefined;
}
