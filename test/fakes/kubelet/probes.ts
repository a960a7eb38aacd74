import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, Probe } from './pod.ts';

function portOf(container: Container, port: number | string): number {
  if (typeof port === 'number') {
    return port;
  }
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? 0;
}

/** One attempt of an HTTP or TCP probe against the pod's address; other probes count as good. */
export function probeOnce(probe: Probe, container: Container, address: string): Promise<boolean> {
  const timeout = probe.timeoutSeconds * 1000;
  if (probe.httpGet !== undefined) {
    const { path, port, scheme } = probe.httpGet;
    const request = scheme === 'HTTPS' ? httpsRequest : httpRequest;
    return new Promise((resolve) => {
      const asked = request(
        { host: address, port: portOf(container, port), path, timeout, agent: false, rejectUnauthorized: false },
        (answer) => {
          answer.resume();
          const status = answer.statusCode ?? 0;
          resolve(status >= 200 && status < 400);
        },
      );
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => resolve(false));
      asked.end();
    });
  }
  if (probe.tcpSocket !== undefined) {
    const port = portOf(container, probe.tcpSocket.port);
    return new Promise((resolve) => {
      const socket = connect({ host: address, port, timeout }, () => {
        resolve(true);
        socket.destroy();
      });
      socket.on('timeout', () => socket.destroy());
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
    });
  }
  return Promise.resolve(true);
}
