import type { ImageProfile } from '../../../../src/hardening/plan.js';
import type { ImageRecipe } from '../images/recipe.js';

/** A pod's spec as its users write it: no securityContext, and no nodeName yet. */
export interface ProgramPodSpec {
  readonly containers: readonly ProgramContainer[];
  readonly volumes?: readonly ProgramVolume[];
  readonly terminationGracePeriodSeconds?: number;
}

export interface ProgramContainer {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: 'Never';
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly containerPort: number; readonly protocol?: 'TCP' | 'UDP' }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly readinessProbe?: object;
}

export interface ProgramVolume {
  readonly name: string;
  readonly emptyDir: Record<string, never>;
}

/** What it takes to run a program and to prove that it works, wherever its image comes from. */
export type RunnableProgram = Pick<Program, 'id' | 'pod' | 'write' | 'read' | 'survives'> & {
  readonly image: { readonly name: string };
};

/** A real program, how its users run it, and how a client proves that it works. */
export interface Program {
  /** The name of the file. */
  readonly id: string;
  readonly image: ImageRecipe;
  readonly pod: (image: string) => ProgramPodSpec;
  /**
   * sh, run in the client's pod: stores VALUE (a random word of letters and digits) through the program's own protocol
   * at the address HOST, so that the program itself writes what it writes in its users' clusters.
   */
  readonly write: string;
  /** sh, run in the client's pod: its output holds VALUE. */
  readonly read: string;
  /** Whether what was written is there after a restart of the container on the same volumes. */
  readonly survives: boolean;
  /** Among the few that every run of CI takes. */
  readonly inCi?: true;
  /** Of an image that no catalogue can know: for the policy of the test. */
  readonly profile?: ImageProfile;
}
