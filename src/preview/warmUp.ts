import { ANNOTATED_MEDIA_TYPE } from './annotated.js';
import type { PreviewQuestion } from './answer.js';

/** So many questions, one after the other: what somebody asks in between comes first. */
const ROUNDS = 8;
const OBJECTS = 60;

/**
 * Questions as the page asks them, for nobody: after them the thread's code is compiled, and the first large preview
 * takes 0.3 s instead of 1 s for 200 kB (measured, answer alone). In `enforce`, whatever the namespace says: else nothing
 * would be hardened.
 */
export function warmUpQuestions(): readonly PreviewQuestion[] {
  const text = Array.from({ length: OBJECTS }, (_, index) => manifest(index)).join('---\n');
  return Array.from({ length: ROUNDS }, () => ({
    bytes: new TextEncoder().encode(text),
    choices: { mode: 'enforce' },
    mediaType: ANNOTATED_MEDIA_TYPE,
  }));
}

function manifest(index: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: warm-up-${index}
  labels: {app: warm-up} # as manifests have it
spec:
  replicas: 2
  selector:
    matchLabels:
      app: "warm-up"
  template:
    metadata:
      labels:
        app: "warm-up"
    spec:
      containers:
        - name: main
          image: registry.example/warm-up:1.${index}
          ports:
            - containerPort: 8080
`;
}
