import { expect } from 'chai';
import type { KubernetesObject } from '../../src/admission/types.js';
import { isTroubled, logsOf } from '../../src/doctor/gatherLogs.js';

const RUNNING = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const FAILED = { terminated: { exitCode: 1, containerID: 'containerd://a' } };
const DONE = { terminated: { exitCode: 0, containerID: 'containerd://a' } };
const WAITING = { waiting: { reason: 'CrashLoopBackOff' } };

function podWith(status: object | null): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, status };
}

function container(state: object, more: object = {}): object {
  return { name: 'app', ready: false, restartCount: 0, state, lastState: {}, ...more };
}

describe('logs of a pod that can tell something', () => {
  const TABLE: readonly (readonly [
    what: string,
    status: object | null,
    logs: readonly string[],
    troubled: boolean,
  ])[] = [
    ['none of one without a status', null, [], true],
    [
      'none of one that waits for its image',
      { phase: 'Pending', containerStatuses: [container({ waiting: {} })] },
      [],
      true,
    ],
    [
      'that of one that runs',
      { phase: 'Running', containerStatuses: [container(RUNNING, { ready: true })] },
      ['app'],
      false,
    ],
    [
      'that of one that is not ready',
      { phase: 'Running', containerStatuses: [container(RUNNING)] },
      ['app'],
      true,
    ],
    [
      'both of one that has restarted',
      {
        phase: 'Running',
        containerStatuses: [container(RUNNING, { ready: true, restartCount: 1, lastState: FAILED })],
      },
      ['app', 'app before'],
      true,
    ],
    [
      'the one before of one that waits to be restarted, for both would be the same',
      { phase: 'Running', containerStatuses: [container(WAITING, { restartCount: 3, lastState: FAILED })] },
      ['app before'],
      true,
    ],
    [
      'that of one that has failed',
      { phase: 'Failed', containerStatuses: [container(FAILED)] },
      ['app'],
      true,
    ],
    [
      'none of one that has ended well',
      { phase: 'Succeeded', containerStatuses: [container(DONE)] },
      [],
      false,
    ],
    [
      'that of an init container that goes on',
      {
        phase: 'Pending',
        initContainerStatuses: [container(RUNNING)],
        containerStatuses: [container({ waiting: {} })],
      },
      ['app'],
      true,
    ],
    [
      'none of an init container that is done',
      {
        phase: 'Running',
        initContainerStatuses: [container(DONE)],
        containerStatuses: [container(RUNNING, { name: 'web', ready: true })],
      },
      ['web'],
      false,
    ],
    [
      'that of one whose node is lost',
      { phase: 'Unknown', containerStatuses: [container(RUNNING)] },
      ['app'],
      true,
    ],
    [
      'that of a debug container, which is never ready, without being trouble',
      {
        phase: 'Running',
        containerStatuses: [container(RUNNING, { ready: true })],
        ephemeralContainerStatuses: [container(RUNNING, { name: 'debug' })],
      },
      ['app', 'debug'],
      false,
    ],
    [
      'none where nothing has its type',
      { phase: 7, containerStatuses: 'x', initContainerStatuses: [null, 3, {}] },
      [],
      true,
    ],
  ];
  for (const [what, status, logs, troubled] of TABLE) {
    it(what, () => {
      const pod = podWith(status);
      expect(
        logsOf(pod).map(({ container: name, previous }) => `${name}${previous ? ' before' : ''}`),
      ).to.deep.equal(logs);
      expect(isTroubled(pod)).to.equal(troubled);
    });
  }
});
