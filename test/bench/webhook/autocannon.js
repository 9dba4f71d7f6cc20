// The client of `npm run bench` where there is no wrk.
//   node autocannon.js URL FOLDER CONNECTIONS SECONDS MARK...      a MARK: as reviews.lua has it
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const [url = '', folder = '', connections = '', seconds = '', ...marks] = process.argv.slice(2);
let next = 0;
const requests = Array.from({ length: 64 }, (_, index) => {
  const text = readFileSync(`${folder}/${index}.json`, 'utf8');
  return {
    method: 'POST',
    headers: {
      'user-agent': 'kube-apiserver-admission',
      accept: 'application/json, */*',
      'content-type': 'application/json',
      'accept-encoding': 'gzip',
    },
    setupRequest: (request) => ({ ...request, body: numbered(text, String(next++).padStart(9, '0')) }),
  };
});
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

function numbered(text, digits) {
  return marks.reduce((body, mark) => body.replaceAll(mark, digits.slice(-mark.length)), text);
}
