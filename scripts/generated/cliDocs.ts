import { existsSync } from 'node:fs';
import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../../src/cli/program.js';
import type { GeneratedFile } from './generatedFile.js';
import { code, inYaml, prose, table } from './markdown.js';

/** docs/reference/cli.md: every command, from what commander knows of it. */
export const cliDocFiles: readonly GeneratedFile[] = [{ path: 'docs/reference/cli.md', content: page }];

const PROGRAM = 'kube-harden';

async function page(): Promise<string> {
  const program = await createProgram(PROGRAM, []);
  const commands = await Promise.all(visible(program).map((command) => loaded(command.name())));
  const all = commands.flatMap((command) => withSubcommands(command, PROGRAM));
  const list = all.map(({ name, command }) => [
    `[${code(name)}](#${anchor(name)})`,
    prose(command.summary() || command.description()),
  ]);
  const parts = [
    '<!-- generated from src/cli -->',
    '# Command line',
    `Installed, the program is called \`${PROGRAM}\`, and as \`kubectl-harden\` it is the plugin \`kubectl harden\`. In the repository it is \`node dist/main.js\`. Every command prints its help for \`--help\`. A wrong command line ends with 2.`,
    table(['command', 'what it does'], list),
    ...all.map(section),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** A command with its flags: the program loads only the one that is called. */
async function loaded(name: string): Promise<Command> {
  const program = await createProgram(PROGRAM, [name]);
  const found = program.commands.find((command) => command.name() === name);
  if (found === undefined) throw new Error(`${PROGRAM} ${name} cannot be loaded`);
  return found;
}

interface Named {
  readonly name: string;
  readonly command: Command;
}

function withSubcommands(command: Command, before: string): Named[] {
  const name = `${before} ${command.name()}`;
  return [{ name, command }, ...visible(command).flatMap((inner) => withSubcommands(inner, name))];
}

/** Without those that are hidden, and commander's own `help`. */
function visible(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((inner) => inner.name() !== 'help');
}

function anchor(heading: string): string {
  return heading.replaceAll(' ', '-');
}

function section({ name, command }: Named): string {
  const { registeredArguments } = command;
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');
  const usage = [name, command.usage().replace('[options] ', '').replace('[options]', '')].join(' ').trim();
  return [
    `## ${name}`,
    prose(sentence(command.description())),
    `\`\`\`text\n${usage}${options.length > 0 ? ' [flags]' : ''}\n\`\`\``,
    ...(registeredArguments.length > 0
      ? [table(['argument', 'meaning'], registeredArguments.map(argumentRow))]
      : []),
    ...(options.length > 0 ? [optionTable(options)] : []),
    ...helpText(command),
    ...moreAbout(command.name()),
  ].join('\n\n');
}

function argumentRow(argument: Argument): string[] {
  return [code(argumentName(argument)), prose(argument.description)];
}

function argumentName(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map((option) => {
    const { flags, argChoices, envVar, presetArg } = option;
    const [description, byDefault] = describedDefault(option);
    const choices = argChoices === undefined ? '' : `; one of ${argChoices.map(code).join(', ')}`;
    const alone = presetArg === undefined ? '' : `; without a value ${code(inYaml(presetArg))}`;
    return [code(flags), code(byDefault), prose(description) + choices + alone, code(envVar ?? '')];
  });
  const hasVariables = options.some(({ envVar }) => envVar !== undefined);
  const columns = hasVariables ? 4 : 3;
  return table(
    ['flag', 'default', 'meaning', 'environment variable'].slice(0, columns),
    rows.map((row) => row.slice(0, columns)),
  );
}

/** What the flag means, and its default: commander's, or that of which only the description tells. */
function describedDefault({ description, defaultValue, defaultValueDescription }: Option): [string, string] {
  const told = /^(?<text>[\s\S]*?) \(default: (?<value>.*)\)$/.exec(description)?.groups;
  if (told) return [told['text'] ?? '', (told['value'] ?? '').replace(/^"(.*)"$/, '$1')];
  if (defaultValueDescription !== undefined) return [description, defaultValueDescription];
  const isNothing = defaultValue === undefined || (Array.isArray(defaultValue) && defaultValue.length === 0);
  return [description, isNothing ? '' : inYaml(defaultValue)];
}

/**
 * What stands below the flags in the help: text, with lists as they are, then examples.
 * @throws Error where a command that does something does not say how it ends
 */
function helpText(command: Command): string[] {
  let help = '';
  command.configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
  const text = help.slice(command.helpInformation().length).trim();
  const [before = '', title = '', examples = ''] = text.split(/^(Examples?:.*)$/m);
  const parts = before
    .split('\n')
    .filter((line) => line !== '')
    .reduce(withLine, [])
    .map((lines) =>
      isList(lines)
        ? `\`\`\`text\n${lines.map((line) => line.slice(2)).join('\n')}\n\`\`\``
        : paragraph(lines),
    );
  if (visible(command).length === 0 && !before.includes(EXIT))
    throw new Error(`the help of ${command.name()} does not say its exit status`);
  const commands = examples.replaceAll(/^ {2}(?:\$ )?/gm, '').trim();
  if (commands !== '') parts.push(prose(title), `\`\`\`sh\n${commands}\n\`\`\``);
  return parts;
}

/** Lines of a help text that belong together: a list, what stands between lists, and the exit status by itself. */
function withLine(groups: string[][], line: string): string[][] {
  const last = groups.at(-1);
  if (last && isList(last) === isList([line]) && !line.startsWith(EXIT)) last.push(line);
  else groups.push([line]);
  return groups;
}

const EXIT = 'Exit status:';

function isList([first = '']: readonly string[]): boolean {
  return first.startsWith('  ');
}

function paragraph(lines: readonly string[]): string {
  return prose(lines.join('\n')).replace(EXIT, `**${EXIT}**`);
}

/** Commands whose page in docs is not named as they are. */
const PAGES: Readonly<Record<string, string>> = {
  serve: 'operations.md',
  policy: 'policies.md',
  test: 'policy-tests.md',
  rules: 'rules/README.md',
};

function moreAbout(name: string): string[] {
  const page = PAGES[name] ?? `${name}.md`;
  const exists = existsSync(new URL(`../../docs/${page}`, import.meta.url));
  return exists ? [`More: [${page}](../${page}).`] : [];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
}
