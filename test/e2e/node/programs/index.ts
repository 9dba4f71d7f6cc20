import { alertmanager } from './alertmanager.js';
import { caddy } from './caddy.js';
import { haproxy } from './haproxy.js';
import { httpd } from './httpd.js';
import { mariadb } from './mariadb.js';
import { memcached } from './memcached.js';
import { mosquitto } from './mosquitto.js';
import { nats } from './nats.js';
import { nginx } from './nginx.js';
import { node } from './node.js';
import { phpApache } from './phpApache.js';
import { postgres } from './postgres.js';
import type { Program } from './program.js';
import { prometheus } from './prometheus.js';
import { python } from './python.js';
import { rabbitmq } from './rabbitmq.js';
import { redis, redisCache } from './redis.js';
import { registry } from './registry.js';
import { sandbox } from './sandbox.js';
import { sudo } from './sudo.js';
import { tomcat } from './tomcat.js';

/** Every program that the node can run, in the order of the table that is made of them. */
export const PROGRAMS: readonly Program[] = [
  nginx,
  postgres,
  redis,
  redisCache,
  memcached,
  haproxy,
  httpd,
  mariadb,
  node,
  python,
  caddy,
  rabbitmq,
  mosquitto,
  nats,
  registry,
  prometheus,
  alertmanager,
  phpApache,
  tomcat,
  sudo,
  sandbox,
];
