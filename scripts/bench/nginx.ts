import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopChild } from './helper-process.ts';

/** nginx as a TLS-terminating `stream` proxy in front of `appPort`, one process. */
export interface Nginx {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface NginxOptions {
  readonly appPort: number;
  readonly certPem: string;
  readonly keyPem: string;
  readonly caPem: string;
  /** The command that binds it to a core. */
  readonly pin: readonly string[];
}

const modulePath = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Starts it as close to what the sidecar does as it can be told: TLS 1.3, client certificates, no resumption, half-close. Undefined without nginx or its stream module. */
export async function startNginx({ appPort, certPem, keyPem, caPem, pin }: NginxOptions): Promise<Nginx | undefined> {
  const load = loadModule();
  if (load === undefined) {
    return undefined;
  }
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-nginx-'));
  const port = await freePort();
  const files = { 'cert.pem': certPem, 'key.pem': keyPem, 'ca.pem': caPem };
  await Promise.all(
    Object.entries(files).map(([name, text]) => writeFile(join(directory, name), text, { mode: 0o600 })),
  );
  await writeFile(join(directory, 'nginx.conf'), config({ load, directory, port, appPort }));
  const [command, ...words] = [...pin, 'nginx', '-p', directory, '-c', 'nginx.conf', '-e', 'error.log'];
  const child = spawn(command, words, { stdio: 'ignore' });
  await listening(port, child);
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      await stopChild(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The line that brings the stream module in, empty where it is built in; undefined where there is none. */
function loadModule(): string | undefined {
  try {
    const { stderr } = version();
    if (/--with-stream(?!=)(\s|$)/.test(stderr)) {
      return '';
    }
    return existsSync(modulePath) ? `load_module ${modulePath};` : undefined;
  } catch {
    return undefined;
  }
}

function version(): { readonly stderr: string } {
  return { stderr: execFileSync('sh', ['-c', 'nginx -V 2>&1'], { encoding: 'utf8' }) };
}

function config({
  load,
  directory,
  port,
  appPort,
}: {
  load: string;
  directory: string;
  port: number;
  appPort: number;
}): string {
  return `${load}
daemon off;
master_process off;
pid ${directory}/nginx.pid;
events { worker_connections 4096; }
stream {
  server {
    listen 127.0.0.1:${port} ssl backlog=1024;
    ssl_protocols TLSv1.3;
    ssl_certificate ${directory}/cert.pem;
    ssl_certificate_key ${directory}/key.pem;
    ssl_client_certificate ${directory}/ca.pem;
    ssl_verify_client on;
    ssl_session_tickets off;
    ssl_session_cache off;
    proxy_half_close on;
    tcp_nodelay on;
    proxy_pass 127.0.0.1:${appPort};
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isUp) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nginx did not start (exit code ${String(child.exitCode)})`);
}
