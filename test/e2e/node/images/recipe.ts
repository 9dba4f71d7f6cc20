/** A user with a group of the same name, made before any package so that the package's own scripts find it there. */
export interface ImageUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** @defaultValue `/nonexistent`; made, and given to the user, where it is anything else */
  readonly home?: string;
}

/** A script: a file that all may read and execute. */
export interface ImageScript {
  readonly script: string;
}

/** What a Dockerfile's USER, ENV, ENTRYPOINT, CMD, EXPOSE, VOLUME, WORKDIR and STOPSIGNAL become. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: Readonly<Record<string, string>>;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Such as `80/tcp`. */
  readonly ExposedPorts?: readonly string[];
  readonly Volumes?: readonly string[];
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
}

/**
 * An image of Debian's build of a program, laid out as the well-known image is. Everything that it consists of is
 * said here: the image is cached by the hash of its recipe.
 */
export interface ImageRecipe {
  /** The reference that pods use, such as `docker.io/library/nginx:1.22`: the tag, from its `v` to its `-`, begins the version. */
  readonly name: string;
  /** The Debian package whose version is the image's. */
  readonly versionOf: string;
  /** Dockerfile and entrypoint lines that the recipe reproduces: `repository/path@commit: line`. */
  readonly cites: readonly string[];
  readonly packages: readonly string[];
  readonly users?: readonly ImageUser[];
  /** Written after the packages were installed, by absolute path: mode 0644, scripts 0755, all owned by root. */
  readonly files?: Readonly<Record<string, string | ImageScript>>;
  /** Lines of sh, run by root in the image after all else; the first that fails ends the build. */
  readonly steps?: string;
  readonly config: ImageConfig;
}
