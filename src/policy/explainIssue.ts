import * as z from 'zod';
import { shown } from '../hardening/shown.js';
import { suggestion } from './didYouMean.js';
import type { PolicyIssue } from './policyError.js';

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** What zod found, in the words of one who writes YAML. Messages that a schema gives itself come before these. */
export const explain: z.core.$ZodErrorMap = (issue) => {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_type':
      if (input === undefined) return 'is required';
      return `${shown(input)} is not ${TYPES[issue.expected] ?? issue.expected}${quoteIt(issue.expected, input)}`;
    case 'invalid_value': {
      if (input === undefined) return 'is required';
      const words = issue.values.map(String);
      const meant = input === false ? suggestion('disabled', words) : suggestion(input, words);
      return `${shown(input)} is not ${words.length > 1 ? 'one of ' : ''}${words.join(', ')}${yamlBoolean(input)}${meant}`;
    }
    // One line a key, in the order of `keys`: toIssues takes them apart again.
    case 'unrecognized_keys':
      return issue.keys
        .map((key) => `${unknownKey(issue)}${suggestion(key, knownKeys(issue.inst))}`)
        .join('\n');
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
};

function quoteIt(expected: string, input: unknown): string {
  const isScalar = typeof input === 'number' || typeof input === 'boolean';
  return expected === 'string' && isScalar ? ': quote it' : '';
}

/** `off` and `no` without quotes are booleans in YAML 1.1, so a policy may say false where a word was written. */
function yamlBoolean(input: unknown): string {
  return typeof input === 'boolean' ? ' (YAML reads on, off, yes and no as booleans)' : '';
}

function unknownKey(issue: { readonly path?: PropertyKey[] | undefined }): string {
  return issue.path?.at(-1) === 'rules' ? 'unknown rule' : 'unknown field';
}

function knownKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** zod's issues as the policy's, one for each unknown key. `locate` says where a path stands in the text. */
export function toIssues(
  error: z.ZodError,
  locate: (path: readonly (string | number)[]) => Omit<PolicyIssue, 'message'>,
): PolicyIssue[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code !== 'unrecognized_keys') return [{ ...locate(path), message: issue.message }];
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({
      ...locate([...path, key]),
      message: messages[index] ?? 'unknown field',
    }));
  });
}
