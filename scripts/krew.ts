/*
 * Writes what a release puts up for Krew: npm run krew [URL of the repository on GitHub]
 * dist-krew/kubectl-harden.tar.gz, the same bytes from the same sources, and dist-krew/harden.yaml with its sha256.
 */
import { fileURLToPath } from 'node:url';
import { writeKrewRelease } from './krew/release.js';

const [repository = 'https://github.com/YOU/kube-harden'] = process.argv.slice(2);
const folder = fileURLToPath(new URL('../dist-krew', import.meta.url));
const { archive, manifest } = await writeKrewRelease(folder, repository.replace(/\/$/, ''));
process.stdout.write(`wrote ${archive} and ${manifest}\n`);
