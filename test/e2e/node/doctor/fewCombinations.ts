import { chosenPrograms } from '../programChoice.js';
import type { Combination } from './combination.js';
import { combinations } from './combinations.js';

/** Of each program the one that is soonest broken; together with all of the group `rule` they have every rule. */
const OF_PROGRAMS = [
  'nginx-alone-root',
  'postgres-alone-capabilities',
  'redis-alone-memory',
  'rediscache-alone-user',
  'memcached-alone-memory',
  'haproxy-alone-memory',
  'httpd-without-ports',
  'mariadb-alone-capabilities',
  'node-alone-root-tmp',
  'python-alone-root-tmp',
  'caddy-without-needs-net-bind-service',
  'rabbitmq-without-root-chown',
  'mosquitto-alone-memory',
  'nats-alone-memory',
  'registry-alone-user',
  'prometheus-without-user',
  'alertmanager-alone-user',
  'phpapache-without-ports',
  'tomcat-alone-root',
  'sudo-alone-escalation',
  'sandbox-alone-seccomp',
];

/** What hardening does not break, of the kinds that look most like it. */
const OTHERS = [
  'other-bad-config',
  'other-missing-secret',
  'other-wrong-image',
  'other-segfault',
  'other-completed',
  'other-own-memory-limit',
  'other-own-read-only-mount',
  'other-own-read-only-root',
  'other-own-non-root',
  'other-password',
];

/** What serves hardened, and complains all the same. */
const HEALTHY = ['healthy-nginx', 'healthy-postgres'];

/** Few enough for every run of CI, and yet every rule and every program of the run. */
export function fewCombinations(programs = chosenPrograms()): Combination[] {
  const few = new Set([...OF_PROGRAMS, ...OTHERS, ...HEALTHY]);
  return combinations(programs).filter(({ id, group }) => group === 'rule' || few.has(id));
}
