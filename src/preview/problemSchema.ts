import * as z from 'zod';
import { answerList, answerObject } from './resultSchema.js';

/** One fault in what was sent. */
export const problemIssue = answerObject('ProblemIssue', 'One fault in what was sent.', {
  source: z
    .string()
    .optional()
    .describe('The document, as "document 0"; "the input" where it cannot be taken apart.'),
  document: z
    .int()
    .min(0)
    .optional()
    .describe('Which document of the stream, from 0; empty ones are not counted.'),
  line: z
    .int()
    .min(1)
    .optional()
    .describe('The line of the field, or of the deepest part of it that is there, from 1.'),
  column: z.int().min(1).optional().describe('The column in that line, in characters from 1.'),
  field: z
    .string()
    .optional()
    .describe("In Kubernetes' field notation, from the document: spec.containers[0].image."),
  message: z.string().describe('What is wrong there, and what to write instead.'),
});

/** An RFC 9457 problem document. */
export const problemDocument = answerObject('Problem', 'A problem document (RFC 9457).', {
  type: z
    .string()
    .describe('A URI that names the kind of problem; about:blank where the status says it all.'),
  title: z.string().describe('The kind of problem in a few words.'),
  status: z.int().min(400).max(599).describe('The HTTP status of the answer.'),
  detail: z.string().describe('What is wrong with this request, and what to do.'),
  instance: z.string().optional().describe('A URI that names this occurrence.'),
  errors: answerList(
    problemIssue,
    'Everything that is wrong with what was sent, each with its place.',
  ).optional(),
});
