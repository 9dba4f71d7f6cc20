// The client of `npm run bench` where there is no wrk.
//   node autocannon.js URL FOLDER CONNECTIONS SECONDS
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const [url = '', folder = '', connections = '', seconds = ''] = process.argv.slice(2);
const requests = Array.from({ length: 64 }, (_, index) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: readFileSync(`${folder}/${index}.json`),
}));
const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  requests,
  tlsOptions: { rejectUnauthorized: false },
});
const measured = {
  requests: result['2xx'] + result.non2xx,
  seconds: result.duration,
  failed: result.non2xx + result.errors + result.timeouts,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
};
process.stdout.write(`RESULT ${JSON.stringify(measured)}\n`);
