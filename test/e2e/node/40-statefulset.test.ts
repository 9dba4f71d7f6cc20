import { expect } from 'chai';
import { setMode } from '../support/mode.js';
import { makeNamespace, world } from '../support/world.js';
import { chosenPrograms } from './programChoice.js';
import { ProgramPod } from './programPod.js';
import { read, write } from './programRun.js';
import type { Program, ProgramContainer } from './programs/program.js';
import { theNode } from './theNode.js';

/** Databases, by the uid to which each image's own entrypoint drops: that of the data. */
const UIDS: Readonly<Record<string, number>> = { postgres: 999, redis: 999, mariadb: 999 };

describe('a StatefulSet with data from before its namespace was switched to enforce', function () {
  this.timeout(180_000);

  for (const program of chosenPrograms().filter(({ id }) => id in UIDS)) {
    it(`${program.id} reads it hardened, and writes more`, async () => {
      const namespace = await makeNamespace();
      await createStatefulSet(program, namespace);
      const pod = await ProgramPod.existing(namespace, `${program.id}-0`);
      const value = await write(program, pod, await pod.becomesReady());
      const uid = await pod.uid();
      expect(JSON.stringify(pod.spec)).not.to.include('runAsUser');

      await setMode(namespace, 'enforce');
      await world().controlPlane.kubectlOutput(['delete', 'pod', pod.name, '--namespace', namespace]);
      const hardened = await ProgramPod.existing(namespace, pod.name, uid);
      try {
        const host = await hardened.becomesReady();
        await read(program, hardened, host, value);
        await read(program, hardened, host, await write(program, hardened, host));
      } catch (error) {
        await hardened.keepEvidence();
        throw error;
      }
      const processes = await hardened.processes();
      expect(new Set(processes.map((process) => process.uid))).to.deep.equal(new Set([UIDS[program.id]]));
      expect(processes[0]?.mounts.find(({ path }) => path === '/')?.readOnly).to.equal(true);
    });
  }
});

describe('a new StatefulSet in a namespace that enforces', function () {
  this.timeout(180_000);

  for (const postgres of chosenPrograms().filter(({ id }) => id === 'postgres')) {
    // initdb changes the mode of the directory, which only its owner may: a volume is made by root.
    it('of postgres begins on an empty volume that is mounted at its PGDATA itself', async () => {
      const namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
      await createStatefulSet(withDataAtVolume(postgres), namespace);
      const pod = await ProgramPod.existing(namespace, 'postgres-0');
      try {
        const host = await pod.becomesReady();
        const value = await write(postgres, pod, host);
        await pod.kill();
        await read(postgres, pod, await pod.becomesReady({ restarts: 1 }), value);
      } catch (error) {
        await pod.keepEvidence();
        throw error;
      }
      const { capabilities } = pod.spec.containers[0].securityContext;
      expect(capabilities).to.deep.equal({
        drop: ['ALL'],
        add: ['CHOWN', 'SETUID', 'SETGID', 'DAC_OVERRIDE'],
      });
      // The probe's runs as the container does, as root, until it has looked.
      const processes = (await pod.processes()).filter(({ command }) => !command.startsWith('pg_isready'));
      expect(new Set(processes.map(({ uid }) => uid))).to.deep.equal(new Set([999]));
      expect(processes[0]?.mounts.find(({ path }) => path === '/')?.readOnly).to.equal(true);
    });
  }
});

/** With the image's own PGDATA, which is where the volume is mounted. */
function withDataAtVolume(program: Program): Program {
  return {
    ...program,
    pod: (image) => {
      const { containers, ...spec } = program.pod(image);
      const env = (given: ProgramContainer['env'] = []) => given.filter(({ name }) => name !== 'PGDATA');
      return { ...spec, containers: containers.map((each) => ({ ...each, env: env(each.env) })) };
    },
  };
}

/** One replica, whose first emptyDir is a claim that is bound to a volume of the node. */
async function createStatefulSet({ id, image, pod }: Program, namespace: string): Promise<void> {
  const { volumes: [data, ...volumes] = [], ...spec } = pod(image.name);
  if (data === undefined) throw new Error(`${id} has no volume`);
  const size = { storage: '1Gi' };
  const storage = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  const labels = { app: id };
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `${namespace}-${id}` },
    spec: {
      ...storage,
      capacity: size,
      claimRef: { namespace, name: `${data.name}-${id}-0` },
      local: { path: theNode().makeVolume(`${namespace}-${id}`) },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [theNode().name] }],
            },
          ],
        },
      },
    },
  };
  const statefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: id, namespace },
    spec: {
      replicas: 1,
      serviceName: id,
      selector: { matchLabels: labels },
      // There is no scheduler.
      template: { metadata: { labels }, spec: { ...spec, volumes, nodeName: theNode().name } },
      volumeClaimTemplates: [
        { metadata: { name: data.name }, spec: { ...storage, resources: { requests: size } } },
      ],
    },
  };
  const objects = { apiVersion: 'v1', kind: 'List', items: [volume, statefulSet] };
  await world().controlPlane.kubectlOutput(['create', '-f', '-'], { input: objects });
}
