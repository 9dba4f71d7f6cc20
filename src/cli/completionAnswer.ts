import type { Argument, Command, Option } from 'commander';
import { DIRECTIVE, placeValues, type Place } from './completionValues.js';
import { createProgram } from './program.js';

/** A word to offer, and what it is. */
interface Candidate {
  readonly word: string;
  readonly about?: string | undefined;
}

interface Answer {
  readonly candidates: readonly Candidate[];
  readonly directive: number;
}

/**
 * Answers a shell in the words of cobra's `__complete`, as kubectl asks its plugins: a line for each word that fits,
 * with what it is after a tab, and a last line with a directive (`:4`). Everything comes from the commands themselves.
 *
 * @param words after the program's name up to the cursor; the last is the one to complete, and may be empty
 * @see https://github.com/spf13/cobra/blob/main/site/content/completions/_index.md
 */
export async function completionAnswer(words: readonly string[]): Promise<string> {
  const before = words.slice(0, -1);
  const { candidates, directive } = await answerFor(
    await createProgram('kube-harden', before),
    before,
    words.at(-1) ?? '',
  );
  const lines = candidates.map(({ word, about }) => (about === undefined ? word : `${word}\t${about}`));
  return [...lines, `:${directive}`, ''].join('\n');
}

async function answerFor(program: Command, before: readonly string[], current: string): Promise<Answer> {
  const line = new CommandLine(program);
  for (const word of before) line.take(word);
  const { command, waiting, optionsEnded, isUnknown } = line;
  if (isUnknown) return { candidates: [], directive: DIRECTIVE.noFiles };
  if (waiting && !(isOptional(waiting) && current.startsWith('-')))
    return valuesOf(placeOfOption(waiting), current);
  if (current.startsWith('-') && !optionsEnded) {
    const [flag = '', ...value] = current.split('=');
    if (value.length === 0) return flagsOf(command, current);
    const option = optionOf(command, flag);
    return option
      ? valuesOf(placeOfOption(option), value.join('='))
      : { candidates: [], directive: DIRECTIVE.noFiles };
  }
  if (command.commands.length > 0) return commandsOf(command, current);
  const { argument } = line;
  if (argument) return valuesOf(placeOfArgument(command, argument), current);
  // Where no word can stand, what can is a flag.
  return current === '' && !optionsEnded
    ? flagsOf(command, '')
    : { candidates: [], directive: DIRECTIVE.noFiles };
}

/** The words of a command line one after the other, read as commander reads them. */
class CommandLine {
  command: Command;
  /** The option whose value comes next. */
  waiting: Option | undefined;
  /** After `--`. */
  optionsEnded = false;
  /** A word stands where no such command is. */
  isUnknown = false;
  private args = 0;
  private isHelp = false;

  constructor(program: Command) {
    this.command = program;
  }

  take(word: string): void {
    const { waiting } = this;
    if (waiting && !(isOptional(waiting) && word.startsWith('-'))) {
      if (!waiting.variadic) this.waiting = undefined;
      return;
    }
    this.waiting = undefined;
    if (this.optionsEnded || !word.startsWith('-') || word === '-') this.takeArgument(word);
    else if (word === '--') this.optionsEnded = true;
    else this.takeOption(word);
  }

  /** The argument that comes next, if there is one. */
  get argument(): Argument | undefined {
    const { registeredArguments } = this.command;
    const last = registeredArguments.at(-1);
    return registeredArguments[this.args] ?? (last?.variadic === true ? last : undefined);
  }

  private takeArgument(word: string): void {
    if (this.command.commands.length === 0) {
      this.args += 1;
      return;
    }
    // `help policy show` is about `policy show`: the words go on as if it were not there.
    if (word === 'help' && !this.isHelp) {
      this.isHelp = true;
      return;
    }
    const found = this.command.commands.find((command) => command.name() === word);
    if (found) this.command = found;
    else this.isUnknown = true;
  }

  private takeOption(word: string): void {
    const isLong = word.startsWith('--');
    const flag = isLong ? (word.split('=')[0] ?? '') : word.slice(0, 2);
    const option = optionOf(this.command, flag);
    if (!option) return;
    const hasValue = isLong ? word.includes('=') : word.length > 2;
    if (!hasValue && (option.required || option.optional)) this.waiting = option;
  }
}

/** A value need not follow: of `[value]`, and after the first of several. */
function isOptional(option: Option): boolean {
  return option.optional || option.variadic;
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short);
}

function placeOfOption({ long, short, flags, argChoices }: Option): Place {
  const [, placeholder = ''] = /[<[]([^>\]]*)[>\]]/.exec(flags) ?? [];
  return { key: long ?? short ?? '', placeholder, choices: argChoices };
}

function placeOfArgument(command: Command, argument: Argument): Place {
  const names: string[] = [];
  // The program itself has no word.
  for (let at = command; at.parent; at = at.parent) names.unshift(at.name());
  const placeholder = argument.name();
  return { key: [...names, placeholder].join(' '), placeholder, choices: argument.argChoices };
}

async function valuesOf(place: Place, current: string): Promise<Answer> {
  const { values, directive } = await placeValues(place);
  const isWords = directive !== DIRECTIVE.filesEnding;
  const fitting = isWords ? values.filter((word) => word.startsWith(current)) : values;
  return { candidates: fitting.map((word) => ({ word })), directive };
}

/** Flags by their long names; by the short one where it is that which was typed. */
function flagsOf(command: Command, current: string): Answer {
  const options = command.createHelp().visibleOptions(command);
  const candidates = options.map(flagCandidate).filter(({ word }) => word.startsWith(current));
  const short = options.filter((option) => option.short === current);
  return {
    candidates:
      candidates.length > 0
        ? candidates
        : short.map(({ description }) => ({ word: current, about: description })),
    directive: DIRECTIVE.noFiles,
  };
}

function flagCandidate({ long, short, description }: Option): Candidate {
  return { word: long ?? short ?? '', about: description };
}

function commandsOf(command: Command, current: string): Answer {
  const candidates = command
    .createHelp()
    .visibleCommands(command)
    .map((found) => ({ word: found.name(), about: found.summary() || found.description() }))
    .filter(({ word }) => word.startsWith(current));
  return { candidates, directive: DIRECTIVE.noFiles };
}
