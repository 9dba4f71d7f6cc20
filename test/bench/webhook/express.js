// (b) of `npm run bench`: what one would write with express 5. It does as little as the floor.
//   node express.js PORT CERT_FILE KEY_FILE PATCH_FILE
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import express from 'express';

const [port = '', certFile = '', keyFile = '', patchFile = ''] = process.argv.slice(2);
const patch = readFileSync(patchFile).toString('base64');
const app = express();
app.use(express.json({ limit: '20mb' }));
app.post('/mutate', (req, res) => {
  res.json({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: req.body.request.uid, allowed: true, patchType: 'JSONPatch', patch },
  });
});
createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, app).listen(
  Number(port),
  '127.0.0.1',
);
