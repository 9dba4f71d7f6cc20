import type { Logger as WinstonLogger } from 'winston';
import { describeError } from './describeError.js';
import { RepeatedLines } from './repeatedLines.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What a line carries besides its message. Never a body, an environment value, a token or a key. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where lines go. The message is a constant, so that lines can be grouped; everything that varies is a field.
 * An Error as the field `error` is written with its stack and cause.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** The message of a decision's line: those that --log-decisions asks for are all written, however alike. */
export const DECISION = 'decision';

interface Line {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface ProcessLoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Standard output unless a test listens. */
  readonly stream?: NodeJS.WritableStream;
}

/** So many lines wait for winston at most: a start that logs more than this is looping. */
const EARLY_LINES = 1000;

/** So many bytes wait for whoever reads the log; what comes while nobody does is counted. */
const UNREAD_MAX = 8 * 1024 * 1024;

/** How often floods are looked at, once there is one. */
const FLOOD_CHECK_MS = 1000;

/**
 * The process's logger. winston costs 63 ms to load, so lines are kept until `start()` has loaded it (after the
 * listeners are up) and then written in order with the time at which they were logged.
 */
export class ProcessLogger implements Logger {
  private early: Line[] = [];
  private winston: WinstonLogger | undefined;
  private readonly threshold: number;
  private readonly stream: NodeJS.WritableStream;
  private readonly repeated = new RepeatedLines<Line>();
  private floodTimer: NodeJS.Timeout | undefined;
  /** Lines that were lost since nobody read the log. */
  private lost = 0;

  constructor(private readonly options: ProcessLoggerOptions) {
    this.threshold = LOG_LEVELS.indexOf(options.level);
    this.stream = options.stream ?? process.stdout;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.log('debug', message, fields);
  }
  info(message: string, fields: LogFields = {}): void {
    this.log('info', message, fields);
  }
  warn(message: string, fields: LogFields = {}): void {
    this.log('warn', message, fields);
  }
  error(message: string, fields: LogFields = {}): void {
    this.log('error', message, fields);
  }

  /** Loads winston and writes what has been logged so far; later, and at the end, what was held back of a flood. */
  async start(): Promise<void> {
    if (this.winston !== undefined) {
      this.summarize(Infinity);
      return;
    }
    const { createLogger, format, transports } = await import('winston');
    const toText = this.options.format === 'json' ? jsonLine : textLine;
    this.winston = createLogger({
      levels: { error: 0, warn: 1, info: 2, debug: 3 },
      level: this.options.level,
      format: format.printf((info) => toText(info['line'] as Line)),
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
      transports: [new transports.Stream({ stream: this.stream, eol: '\n' })],
    });
    const waiting = this.early;
    this.early = [];
    for (const line of waiting) this.write(line);
  }

  private log(level: LogLevel, message: string, fields: LogFields): void {
    if (LOG_LEVELS.indexOf(level) < this.threshold) return;
    const line = { time: new Date().toISOString(), level, message, fields };
    if (message !== DECISION && !this.repeated.admits(line, performance.now())) {
      this.floodTimer ??= setInterval(() => this.summarize(performance.now()), FLOOD_CHECK_MS).unref();
      return;
    }
    if (this.winston !== undefined) this.write(line);
    else if (this.early.length < EARLY_LINES) this.early.push(line);
  }

  /** Writes how many alike lines there were more, of floods that began long enough before `now`. */
  private summarize(now: number): void {
    for (const { line, more } of this.repeated.ended(now))
      this.write({ ...line, time: new Date().toISOString(), fields: { ...line.fields, repeated: more } });
    if (this.repeated.holding) return;
    clearInterval(this.floodTimer);
    this.floodTimer = undefined;
  }

  private write(line: Line): void {
    if (unread(this.stream) > UNREAD_MAX) {
      this.lost += 1;
      return;
    }
    if (this.lost > 0) {
      const fields = { lines: this.lost };
      this.lost = 0;
      this.write({ time: line.time, level: 'warn', message: 'log lines lost: nobody read them', fields });
    }
    this.winston?.log({ level: line.level, message: line.message, line });
  }
}

/** Bytes that were written and that nobody has taken yet. */
function unread(stream: NodeJS.WritableStream): number {
  return 'writableLength' in stream && typeof stream.writableLength === 'number' ? stream.writableLength : 0;
}

function jsonLine({ time, level, message, fields }: Line): string {
  try {
    return JSON.stringify({ time, level, message, ...plainFields(fields) });
  } catch (error) {
    // A field that is cyclic, too deep or a BigInt must not cost the line.
    return JSON.stringify({ time, level, message, unwritable: String(error) });
  }
}

/** `19:30:01 info  message key=value`; values with blanks or control characters are quoted as in JSON; a stack follows. */
function textLine({ time, level, message, fields }: Line): string {
  const { error, ...others } = fields;
  const rest = Object.entries(others)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${plainText(value)}`);
  const stack =
    error === undefined ? '' : `\n${withoutControls(describeError(error)).replaceAll(/^/gm, '  ')}`;
  return `${time.slice(11, 19)} ${level.padEnd(5)} ${message}${rest.join('')}${stack}`;
}

/** A stack's message can carry what a request said: line breaks stay, escape sequences for the terminal do not. */
function withoutControls(text: string): string {
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

function plainText(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@,+-]+$/.test(value)) return value;
  try {
    return JSON.stringify(value);
  } catch (error) {
    return `(unwritable: ${String(error)})`;
  }
}

function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...fields };
  if (plain['error'] !== undefined) plain['error'] = describeError(plain['error']);
  return plain;
}
