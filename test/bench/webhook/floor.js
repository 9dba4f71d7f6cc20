// (a) of `npm run bench`: the least that a webhook in Node.js can do. It collects the body, parses it for the uid, and
// answers a patch that was made beforehand.
//   node floor.js PORT CERT_FILE KEY_FILE PATCH_FILE
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [port = '', certFile = '', keyFile = '', patchFile = ''] = process.argv.slice(2);
const patch = readFileSync(patchFile).toString('base64');
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
server.on('request', (req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const { uid } = JSON.parse(Buffer.concat(chunks).toString()).request;
    const answer = JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid, allowed: true, patchType: 'JSONPatch', patch },
    });
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
    res.end(answer);
  });
});
server.listen(Number(port), '127.0.0.1');
