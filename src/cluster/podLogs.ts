import type { ApiStreams } from './apiClient.js';
import { LogTail } from './logTail.js';

/** Whose log it is. */
export interface PodLogName {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Of the instance before the last restart. */
  readonly previous: boolean;
}

/** The end of a log. */
export interface PodLog {
  /** The oldest first. */
  readonly lines: readonly string[];
  /** There was more than this, before it or within its lines. */
  readonly cut: boolean;
}

const LINES = 200;
const LINE_BYTES = 2048;
/**
 * More than 200 lines of a log can have: a container runtime writes lines of more than 16 KiB in parts, and the kubelet
 * counts parts (containerd: max_container_log_line_size).
 */
const LIMIT_BYTES = 4 * 1024 * 1024;
/** Where that is not so, the end is asked for once more, by as many lines as fit. */
const FEW_LINES = 10;

/**
 * Reads the end of a container's log, and no more of it than that, whatever comes.
 *
 * `limitBytes` is counted from where the last lines begin (k8s.io/cri-client/pkg/logs, ReadLogs): it takes away the end
 * of them, which matters most. So it is larger than they are, and where it was reached fewer lines are asked for.
 *
 * @param timeoutMs of all of it; the client's own unless given
 * @throws ApiError: 400 where the container has no such log, 404 where there is no such pod; UnreachableError or the
 *   system's own error where the answer does not come, or not to its end
 */
export async function readPodLog(api: ApiStreams, name: PodLogName, timeoutMs?: number): Promise<PodLog> {
  const { log, isWhole } = await readTail(api, name, LINES, timeoutMs);
  if (isWhole) return log;
  const end = await readTail(api, name, FEW_LINES, timeoutMs);
  return { ...end.log, cut: true };
}

/** @returns `isWhole` where the answer came to its end within the bytes that were asked for */
async function readTail(
  api: ApiStreams,
  { namespace, pod, container, previous }: PodLogName,
  lines: number,
  timeoutMs: number | undefined,
): Promise<{ readonly log: PodLog; readonly isWhole: boolean }> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
  const query = {
    container,
    tailLines: lines,
    limitBytes: LIMIT_BYTES,
    ...(previous && { previous: 'true' }),
  };
  const answer = await api.open(path, { query, ...(timeoutMs !== undefined && { timeoutMs }) });
  const tail = new LogTail({ lines, lineBytes: LINE_BYTES });
  let bytes = 0;
  try {
    for await (const chunk of answer) {
      const buffer = chunk as Buffer;
      tail.push(buffer);
      bytes += buffer.length;
      // A server that does not heed the limit is not read to its end.
      if (bytes >= LIMIT_BYTES) break;
    }
  } finally {
    answer.destroy();
  }
  return { log: tail.end(), isWhole: bytes < LIMIT_BYTES };
}
