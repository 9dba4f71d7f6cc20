import * as z from 'zod';
import { annotatedResult, answerList, answerObject, previewChange } from './resultSchema.js';

const annotatedLine = answerObject(
  'AnnotatedLine',
  'A line of the hardened text that differs from the input.',
  {
    line: z.int().min(1).describe('Its number in text, from 1.'),
    original: z
      .int()
      .min(0)
      .describe(
        'The line of the input that it replaces, or after which it comes, from 1; 0: before the first.',
      ),
    result: z.int().min(0).describe('The object that it belongs to: its index in results, from 0.'),
    changes: answerList(
      z.int().min(0),
      "Which of that result's changes wrote it: their places in its list, from 0. A line that opens a new map belongs to all changes beneath it.",
    ),
  },
);

/** The answer of the type application/vnd.kube-harden.annotated+json. */
export const annotatedPreview = answerObject(
  'AnnotatedPreview',
  'The hardened manifests, each changed line tied to the change that wrote it.',
  {
    text: z
      .string()
      .describe('The hardened manifests whole, as application/yaml gives them without leading comments.'),
    lines: answerList(
      annotatedLine,
      'Every line of text that differs from the input, ascending; one that changes of several objects wrote is there once for each of them.',
    ),
    changes: answerList(previewChange, 'What is done to the objects, each change once.'),
    results: answerList(annotatedResult, 'One for each object, in the order in which they were sent.'),
    notes: answerList(
      z.string(),
      'What the lines cannot show: the mode, why nothing happens, violations, wrong labels and exceptions.',
    ),
  },
);
