import type { ServerResponse } from 'node:http';
import type { StreamSink } from './workload-streams.ts';

/** A reader this far behind is given up. */
const mostBehindBytes = 1024 * 1024;

/** A stream's lines as the body of an HTTP answer without end; its head goes with the first line, so that a refusal can still be told. */
export function responseSink(response: ServerResponse): StreamSink {
  return {
    write(line) {
      if (response.writableEnded || response.destroyed || response.writableLength > mostBehindBytes) {
        return false;
      }
      if (!response.headersSent) {
        response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
      }
      response.write(`${line}\n`);
      return true;
    },
    end() {
      response.end();
    },
  };
}
