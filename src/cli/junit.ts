/** One test as a CI system counts it. */
export interface JunitCase {
  readonly name: string;
  readonly seconds: number;
  /** It ran, and something differs. */
  readonly failure?: JunitProblem | undefined;
  /** It could not run. */
  readonly error?: JunitProblem | undefined;
}

export interface JunitProblem {
  /** One line. */
  readonly message: string;
  readonly text: string;
}

/**
 * JUnit XML, in the form that Jenkins, GitLab and GitHub's actions read: one suite with all tests.
 *
 * @param suite its name
 */
export function junitXml(suite: string, cases: readonly JunitCase[]): string {
  const time = seconds(cases.reduce((sum, one) => sum + one.seconds, 0));
  const counts = {
    tests: cases.length,
    failures: cases.filter(({ failure }) => failure).length,
    errors: cases.filter(({ error }) => error).length,
  };
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ ...counts, time })}>`,
    `  <testsuite${attributes({ name: suite, ...counts, skipped: 0, time })}>`,
    ...cases.flatMap((one) => caseLines(suite, one)),
    '  </testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function caseLines(suite: string, { name, seconds: took, failure, error }: JunitCase): string[] {
  const head = `    <testcase${attributes({ classname: suite, name, time: seconds(took) })}`;
  const problems = [
    ...(failure ? [problemElement('failure', failure)] : []),
    ...(error ? [problemElement('error', error)] : []),
  ];
  return problems.length === 0 ? [`${head}/>`] : [`${head}>`, ...problems, '    </testcase>'];
}

function problemElement(kind: 'failure' | 'error', { message, text }: JunitProblem): string {
  return `      <${kind}${attributes({ message })}>${escaped(text)}</${kind}>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
}

const seconds = (value: number): string => value.toFixed(3);

/** What XML 1.0 cannot hold in any form: most control characters, halves of surrogate pairs. */
const NOT_IN_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

function escaped(text: string): string {
  return text
    .replaceAll(NOT_IN_XML, '\uFFFD')
    .replaceAll(/[&<>"\r]/g, (character) => ENTITIES[character] ?? character);
}
