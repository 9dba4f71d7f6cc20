// The floor of `npm run bench:e2e`: the least that a webhook in Node.js can do. It collects the body, parses it for the
// uid, and answers a patch that was made beforehand. Plain JavaScript and a process of its own, as the real one has.
//   node floorWebhook.js CERT_FILE KEY_FILE ANSWER_FILE      prints its port; ANSWER_FILE: the response but for its uid
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [certFile = '', keyFile = '', answerFile = ''] = process.argv.slice(2);
const response = JSON.parse(readFileSync(answerFile, 'utf8'));
const server = createServer({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
  keepAliveTimeout: 120_000,
});
server.on('request', (req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const { uid } = JSON.parse(Buffer.concat(chunks).toString()).request;
    const answer = JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid, ...response },
    });
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
    res.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
