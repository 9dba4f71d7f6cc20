import { ImageError } from './imageError.js';

/** As image indexes name it; GOOS and GOARCH. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** Node.js' names of what Go calls otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm64: 'arm64' };

/** Linux, on the processor of this machine. */
export function ownPlatform(): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

/**
 * Reads `linux/arm64` or `linux/arm/v7`.
 * @throws ImageError
 */
export function parsePlatform(text: string): Platform {
  const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9]+))?$/.exec(text);
  const [, os = '', architecture = '', variant] = match ?? [];
  if (!match)
    throw new ImageError(`${JSON.stringify(text)} is no platform such as linux/amd64 or linux/arm/v7`);
  return { os, architecture, variant };
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== '').join('/');
}

/** Without a variant in what is wanted, any will do. */
export function isPlatform(found: Platform, wanted: Platform): boolean {
  return (
    found.os === wanted.os &&
    found.architecture === wanted.architecture &&
    (wanted.variant === undefined || (found.variant ?? usualVariant(found)) === wanted.variant)
  );
}

/** What an index means by no variant. Source: containerd/platforms, database.go. */
function usualVariant({ architecture }: Platform): string | undefined {
  return { arm64: 'v8', arm: 'v7' }[architecture];
}
