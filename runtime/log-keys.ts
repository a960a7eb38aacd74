/** Keys of log lines: constants, so that a query written once holds for every program. */
export const logKeys = {
  error: 'error',
  uid: 'uid',
  namespace: 'namespace',
  workload: 'workload',
  operation: 'operation',
  traceId: 'traceId',
  reason: 'reason',
  service: 'service',
  address: 'address',
  resource: 'resource',
} as const;
