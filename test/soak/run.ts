// The long soak (`make soak`): a million requests in an hour, or longer where the machine is slower. KUBE_HARDEN_SOAK_MINUTES=5 for a shorter look.
import { endOwnedProcesses } from '../e2e/support/ownedProcess.js';
import { runFolder } from '../system/faults/support/serveProcess.js';
import { linesOf, soak } from './soak.js';

const minutes = Number(process.env['KUBE_HARDEN_SOAK_MINUTES'] ?? 60);
/** A million in an hour, and some more. */
const PER_SECOND = 300;
/** Whatever the error: growth that is surely more than this is a leak. */
const MEMORY_MIB_AN_HOUR = 1;
/** Until the heap has found its size: by /proc/PID/smaps V8's pages grow that long, 91 to 97 MiB, and code 6.8 to 8.0. */
const WARM_UP_MINUTES = 30;
/** In less too little is left after that: then the slope is told and not judged. */
const JUDGED_MINUTES = 60;

let failed = true;
try {
  const requests = (minutes / 60) * 1_000_000;
  const report = await soak({
    seconds: minutes * 60,
    requests,
    warmUpSeconds: 60 * (minutes >= JUDGED_MINUTES ? WARM_UP_MINUTES : minutes / 4),
    perSecond: PER_SECOND,
    sampleEveryMs: 5000,
    changeEveryMs: 5000,
  });
  for (const line of linesOf(report)) console.log(line);
  const { answered, memory, wrong, certificates, uncaughtErrors, openFiles, loopDelayMs } = report;
  const problems = [
    ...(answered < requests ? [`only ${answered} of ${requests} requests were answered`] : []),
    ...(certificates.reloaded < certificates.written / 2 ? ['certificates were not read again'] : []),
    ...(wrong.length > 0 ? [`${wrong.length} wrong answers: ${[...new Set(wrong)].join(', ')}`] : []),
    ...(uncaughtErrors > 0 ? [`${uncaughtErrors} uncaught errors`] : []),
    ...(minutes >= JUDGED_MINUTES && memory.slope - 2 * memory.error > MEMORY_MIB_AN_HOUR
      ? ['memory grows']
      : []),
    ...(openFiles[1] > openFiles[0] + 5 ? ['open files grow'] : []),
    ...(loopDelayMs[1] > 2 * loopDelayMs[0] + 5 ? ['the event loop is delayed more and more'] : []),
  ];
  for (const problem of problems) console.error(`error: ${problem}`);
  failed = problems.length > 0;
} finally {
  await endOwnedProcesses();
  runFolder.finish({ failed });
}
process.exit(failed ? 1 : 0);
