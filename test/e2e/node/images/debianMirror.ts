import { execFileSync } from 'node:child_process';

/** Debian's mirrors as the machine's own apt uses them, and how it reaches them. */
export interface DebianMirror {
  readonly main: string;
  readonly security: string;
  /** Lines for apt.conf: proxies, and whether a mirror's date is looked at. */
  readonly settings: string;
}

const DEFAULT = { main: 'http://deb.debian.org/debian', security: 'http://deb.debian.org/debian-security' };

/** Without sources of Debian (another distribution, or apt's lists not fetched yet): deb.debian.org. */
export function debianMirror(): DebianMirror {
  return {
    main: site('bookworm') ?? DEFAULT.main,
    security: site('bookworm-security') ?? DEFAULT.security,
    settings: settings(),
  };
}

function site(release: string): string | undefined {
  const targets = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Origin: Debian'];
  const sites = output('apt-get', [...targets, `Release: ${release}`]).split('\n');
  return sites.find((line) => line !== '');
}

function settings(): string {
  const wanted = /^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date)\b/i;
  return output('apt-config', ['dump'])
    .split('\n')
    .filter((line) => wanted.test(line))
    .join('\n');
}

function output(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
