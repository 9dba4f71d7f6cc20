import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { DoctorReport, ReportedDiagnosis } from '../../../../src/doctor/report.js';
import { world } from '../../support/world.js';

/** Another build than the repository's own where the variable names one. */
const MAIN = process.env['E2E_MAIN'] ?? join(import.meta.dirname, '../../../../dist/main.js');

export interface DoctorAnswer {
  /** 0: hardening is no cause of anything that is broken; 1: it is; 2: an error. */
  readonly code: number;
  readonly diagnoses: readonly ReportedDiagnosis[];
  /** Standard output and standard error, to be shown where something is not as expected. */
  readonly text: string;
}

/** Runs `kube-harden doctor` as its users do, with the rights of an administrator. */
export function askDoctor(namespace: string, target: string): Promise<DoctorAnswer> {
  const { adminKubeconfig, folder } = world().controlPlane;
  const args = ['doctor', target, '--namespace', namespace, '--kubeconfig', adminKubeconfig, '-o', 'json'];
  const env = { PATH: process.env['PATH'], HOME: folder.path, NODE_ENV: 'production' };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code !== 'number') {
          reject(new Error(`doctor ${target} did not end by itself`, { cause: error }));
          return;
        }
        const text = `${stdout}${stderr}`;
        if (code > 1) reject(new Error(`doctor ${target} exits with ${code}: ${text}`));
        else resolve({ code, diagnoses: (JSON.parse(stdout) as DoctorReport).diagnoses, text });
      },
    );
  });
}
