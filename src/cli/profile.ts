import { Command, Option } from 'commander';
import { readFileSync, statSync, type Stats } from 'node:fs';
import type { OpenedImage } from '../images/openedImage.js';
import type { Platform } from '../images/platform.js';
import { CommandError } from './commandError.js';
import { readOr } from './fileErrors.js';
import type { Output } from './output.js';
import { processOutput } from './output.js';
import { systemReason } from './systemReason.js';

export interface ProfileOptions {
  readonly output?: 'yaml' | 'json' | undefined;
  readonly platform?: string | undefined;
  readonly name?: string | undefined;
  readonly tag?: boolean | undefined;
  readonly configOnly?: boolean | undefined;
  readonly mirror?: readonly string[] | undefined;
  readonly insecure?: readonly string[] | undefined;
  readonly certificateAuthority?: string | undefined;
}

const HELP = `
IMAGE is read from its registry, with the credentials of docker login (DOCKER_CONFIG, credential helpers too).
TAR is an OCI image layout or what docker save writes, gzipped or not. Nothing is unpacked or run.
Exit status: 0, or 2 where the image cannot be read.

Examples: an image of a registry, without its layers, by a mirror, and one of an archive
  $ kube-harden profile postgres:17
  $ kube-harden profile postgres:17 --config-only --mirror docker.io=mirror.gcr.io
  $ docker pull nginx && docker save nginx > nginx.tar && kube-harden profile nginx.tar`;

/** `kube-harden profile`. What goes wrong is a CommandError, with exit code 2. */
export function profileCommand(output: Output = processOutput): Command {
  const repeat = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  return new Command('profile')
    .description(
      'write the image profile that follows from an image: user, data directories, ports and capabilities, each with its evidence',
    )
    .argument('<image|tar>', 'an image as a pod names it, or an archive of one')
    .addOption(
      new Option(
        '-o, --output <format>',
        'yaml: with the evidence as comments; json: with it beside the profile',
      )
        .choices(['yaml', 'json'])
        .default('yaml'),
    )
    .option(
      '--platform <os/arch>',
      "of an image for several platforms (default: linux, this machine's processor)",
    )
    .option(
      '--name <image>',
      'the name that pods use, for an archive that holds several images or names none',
    )
    .option('--tag', 'a profile for this tag or digest, not for the whole repository')
    .option('--config-only', 'read the configuration alone, no layer: less is known then')
    .option(
      '--mirror <registry=host>',
      'ask this host in place of a registry; a path may follow; may be repeated',
      repeat,
    )
    .option(
      '--insecure <host>',
      'accept any certificate of this host, or plain HTTP; may be repeated; this machine may speak plain HTTP without',
      repeat,
    )
    .option('--certificate-authority <file>', 'certificates (PEM) to trust beside those of Node.js')
    .addHelpText('after', HELP)
    .action(async (image: string, options: ProfileOptions) => {
      output.stdout(await runProfile(image, options));
    });
}

/**
 * @returns what is printed
 * @throws CommandError where the image cannot be read, or an option is wrong
 */
export async function runProfile(image: string, options: ProfileOptions = {}): Promise<string> {
  const { ImageError } = await import('../images/imageError.js');
  try {
    const opened = await open(image, options);
    const { draftProfile } = await import('../images/draft/draftProfile.js');
    const draft = await draftProfile(opened, { forTag: options.tag, configOnly: options.configOnly });
    const { profileJson, profileYaml } = await import('./profileText.js');
    return options.output === 'json' ? profileJson(draft) : profileYaml(draft);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    // It may quote names from the image.
    const { oneLine } = await import('../policy/yamlLine.js');
    throw new CommandError(oneLine(error.message), 2, { cause: error });
  }
}

async function open(image: string, options: ProfileOptions): Promise<OpenedImage> {
  const { parsePlatform } = await import('../images/platform.js');
  const platform: Platform | undefined =
    options.platform === undefined ? undefined : parsePlatform(options.platform);
  const { checkedReference } = await import('../images/checkedReference.js');
  if (isArchive(image)) {
    for (const [flag, value] of [
      ['--mirror', options.mirror],
      ['--insecure', options.insecure],
      ['--certificate-authority', options.certificateAuthority],
    ] as const)
      if (value !== undefined)
        throw new CommandError(`${flag} is for an image of a registry; ${image} is an archive`);
    const { openTarImage } = await import('../images/tarImage.js');
    return openTarImage(image, { platform, name: options.name });
  }
  if (options.name !== undefined)
    throw new CommandError('--name is for an archive; an image of a registry has its own');
  const { openRegistryImage } = await import('../images/registry/registryImage.js');
  const file = options.certificateAuthority;
  const ca =
    file === undefined
      ? undefined
      : [await readOr(file, '--certificate-authority', () => readCertificates(file))];
  const insecure = new Set((options.insecure ?? []).map((host) => host.toLowerCase()));
  return openRegistryImage(checkedReference(image), {
    platform,
    mirrors: mirrorsOf(options.mirror ?? []),
    insecure,
    ca,
  });
}

/** A path, or the name of a file that is there; a folder of an image's name is no archive. */
function isArchive(name: string): boolean {
  const isPath = /^\.{0,2}\//.test(name) || /\.(?:tar|tgz|tar\.gz|tar\.zst)$/.test(name);
  const stats = statsOf(name, isPath);
  if (isPath && stats === undefined) throw new CommandError(`${name}: no such file; check the path`);
  if (isPath && stats?.isDirectory())
    throw new CommandError(
      `${name} is a folder; of an OCI image layout make an archive: tar -C ${name} -cf image.tar .`,
    );
  return stats?.isFile() ?? false;
}

/** What is no path and may not be looked at is the name of an image. */
function statsOf(name: string, isPath: boolean): Stats | undefined {
  try {
    return statSync(name, { throwIfNoEntry: false });
  } catch (error) {
    const reason = systemReason(error);
    if (!isPath) return undefined;
    throw new CommandError(`${name}: ${reason}`, 2, { cause: error });
  }
}

function readCertificates(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${file}: holds no certificate (PEM)`);
  return text;
}

function mirrorsOf(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((text) => {
      const [, registry, host] = /^([^=/\s]+)=([^=\s]+)$/.exec(text) ?? [];
      if (registry === undefined || host === undefined)
        throw new CommandError(
          `--mirror ${JSON.stringify(text)} is not of the form REGISTRY=HOST, such as docker.io=mirror.example`,
        );
      return [registry, host];
    }),
  );
}
