/**
 * `npm run build`: one bundle per program in `dist/`, for images. The sidecar's stays lean: what it must never hold makes the build fail.
 */
import { build, type Plugin } from 'esbuild';

const programs = {
  webhook: 'webhook/main.ts',
  authority: 'authority/main.ts',
  sidecar: 'sidecar/main.ts',
  sallyport: 'cli/main.ts',
};
const forbidden: Readonly<Record<string, readonly string[]>> = {
  sidecar: ['node-forge', '@kubernetes/client-node', '@peculiar/x509', 'yaml', 'fast-json-patch'],
};

// CommonJS packages inside an ESM bundle ask for `require`.
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };

/** zod brings its messages in fifty languages; ours are our own. They would be 4 MB of every sidecar's memory. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

for (const [program, entry] of Object.entries(programs)) {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile: `dist/${program}.mjs`,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: true,
    metafile: true,
    banner,
    plugins: [englishOnly],
    logLevel: 'warning',
  });
  const inputs = Object.keys(metafile.inputs);
  const intruders = (forbidden[program] ?? []).filter((name) =>
    inputs.some((path) => path.includes(`node_modules/${name}/`)),
  );
  if (intruders.length > 0) {
    console.error(`dist/${program}.mjs holds ${intruders.join(', ')}: the ${program} must not`);
    process.exit(1);
  }
  const bytes = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === entry)?.bytes ?? 0;
  console.log(`dist/${program}.mjs  ${(bytes / 1024).toFixed(0)} KiB from ${inputs.length} files`);
}
