import { isRecord } from '../hardening/locate.js';
import { ImageError } from './imageError.js';
import { parseJson } from './imageManifest.js';
import { isPlatform, platformText, type Platform } from './platform.js';

/** What an image's configuration says. Source: image-spec v1.1, config.md. */
export interface ImageConfig {
  readonly platform: Platform;
  /** `user`, `uid`, `user:group`, `uid:gid` and so on; empty for root. */
  readonly user: string;
  /** Such as `80/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  /** Digests of the unpacked layers. */
  readonly diffIds: readonly string[];
}

/**
 * @param wanted the platform that was asked for; undefined: any
 * @throws ImageError where it is malformed, of Windows, or of another platform
 */
export function parseImageConfig(text: Buffer, what: string, wanted: Platform | undefined): ImageConfig {
  const document = parseJson(text, what);
  const { os = 'linux', architecture = '', variant, config, rootfs } = document;
  if (typeof os !== 'string' || typeof architecture !== 'string')
    throw new ImageError(`${what} names no platform`);
  const platform = { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) };
  if (os !== 'linux')
    throw new ImageError(`${what} is for ${JSON.stringify(os)}: image profiles are for Linux only`);
  if (wanted && !isPlatform(platform, wanted))
    throw new ImageError(`${what} is for ${platformText(platform)} only, not for ${platformText(wanted)}`);
  const settings = isRecord(config) ? config : {};
  const list = (field: string): string[] => strings(settings[field] ?? [], `${field} of ${what}`);
  const keys = (field: string): string[] => Object.keys(isRecord(settings[field]) ? settings[field] : {});
  const string = (field: string): string => {
    const value = settings[field] ?? '';
    if (typeof value !== 'string') throw new ImageError(`${field} of ${what} is no string`);
    return value;
  };
  return {
    platform,
    user: string('User'),
    exposedPorts: keys('ExposedPorts'),
    volumes: keys('Volumes'),
    entrypoint: list('Entrypoint'),
    cmd: list('Cmd'),
    env: list('Env'),
    workingDir: string('WorkingDir'),
    diffIds: strings(isRecord(rootfs) ? (rootfs['diff_ids'] ?? []) : [], `diff_ids of ${what}`),
  };
}

function strings(value: unknown, what: string): string[] {
  // The first Docker versions wrote a single string where a list belongs.
  const list: unknown[] = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [undefined];
  const texts = list.filter((item) => typeof item === 'string');
  if (texts.length !== list.length) throw new ImageError(`${what} is no list of strings`);
  return texts;
}
