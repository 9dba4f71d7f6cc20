import { build, type Manifest } from './manifests.js';

export interface Installation {
  readonly name: string;
  readonly objects: readonly Manifest[];
}

export const OVERLAYS = ['overlays/self-signed', 'overlays/cert-manager'] as const;
export const COMPONENTS = [
  'components/preview',
  'components/monitoring',
  'components/fail-open',
  'components/openshift',
] as const;

/** Each overlay as it is, and with all components. */
export const INSTALLATIONS: readonly Installation[] = OVERLAYS.flatMap((overlay) => [
  { name: overlay, objects: build(overlay) },
  { name: `${overlay} with all components`, objects: build(overlay, COMPONENTS) },
]);
