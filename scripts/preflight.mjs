// Runs under the Node that runs npm, before any script that needs the pinned one.
import { findNode, whatStops } from '../cli/pinned-node.mjs';

const problem = whatStops(findNode());
if (problem !== undefined) {
  process.stderr.write(`sallyport: ${problem}\n`);
  process.exit(1);
}
