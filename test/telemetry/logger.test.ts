import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import { ProcessLogger, type LogFormat, type LogLevel } from '../../src/telemetry/logger.js';

function record(level: LogLevel, format: LogFormat): { logger: ProcessLogger; lines: () => string[] } {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { logger: new ProcessLogger({ level, format, stream }), lines: () => text.split('\n').slice(0, -1) };
}

describe('ProcessLogger', () => {
  it('keeps lines until it is started, then writes them in order with the time they had', async () => {
    const { logger, lines } = record('info', 'json');
    logger.info('one', { n: 1 });
    logger.warn('two');
    expect(lines()).to.deep.equal([]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const started = Date.now();
    await logger.start();
    logger.error('three');
    const parsed = lines().map((line) => JSON.parse(line) as Record<string, string>);
    expect(parsed.map(({ level, message }) => `${level} ${message}`)).to.deep.equal([
      'info one',
      'warn two',
      'error three',
    ]);
    expect(parsed[0]).to.include({ n: 1 });
    expect(Date.parse(parsed[0]?.['time'] ?? '')).to.be.below(started);
    expect(Date.parse(parsed[2]?.['time'] ?? '')).to.be.at.least(started);
  });

  it('writes nothing below its level', async () => {
    const { logger, lines } = record('warn', 'json');
    await logger.start();
    logger.debug('no');
    logger.info('no');
    logger.warn('yes');
    expect(lines()).to.have.length(1);
  });

  it('writes an error with its stack and its cause', async () => {
    const { logger, lines } = record('info', 'json');
    await logger.start();
    logger.error('failed', { error: new Error('outer', { cause: new TypeError('inner') }) });
    const { error } = JSON.parse(lines()[0] ?? '') as { error: string };
    expect(error).to.match(/^Error: outer\n {4}at [^]*caused by TypeError: inner\n {4}at /);
  });

  it('outlives a field that cannot be written', async () => {
    const { logger, lines } = record('info', 'json');
    await logger.start();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    logger.info('a', { cycle });
    logger.info('b', { big: 1n });
    expect(lines().map((line) => (JSON.parse(line) as { message: string }).message)).to.deep.equal([
      'a',
      'b',
    ]);
  });

  it('writes text for people, on one line whatever the values hold', async () => {
    const { logger, lines } = record('info', 'text');
    await logger.start();
    logger.info('decision', { kind: 'Pod', name: 'a\nb\u001b[31m', absent: undefined, changed: ['x'] });
    expect(lines()).to.have.length(1);
    expect(lines()[0]).to.match(
      /^\d\d:\d\d:\d\d info {2}decision kind=Pod name="a\\nb\\u001b\[31m" changed=\["x"\]$/,
    );
  });

  it('keeps a field from overwriting the message of winston', async () => {
    const { logger, lines } = record('info', 'json');
    await logger.start();
    logger.info('constant', { level: 'forged', splat: [1] });
    expect(lines()).to.have.length(1);
  });
});

describe('ProcessLogger in a flood', () => {
  it('writes ten alike lines and a count, all decisions, and what follows', async () => {
    const { logger, lines } = record('info', 'json');
    await logger.start();
    for (let n = 0; n < 500; n += 1) {
      logger.error('decision failed', { uid: `u-${n}`, error: new TypeError('a bug') });
      logger.info('decision', { outcome: 'denied' });
    }
    logger.info('stopped');
    await logger.start();
    const parsed = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (message: string): Record<string, unknown>[] =>
      parsed.filter((line) => line['message'] === message);
    expect([of('decision').length, of('decision failed').length, of('stopped').length]).to.deep.equal([
      500, 11, 1,
    ]);
    expect(of('decision failed').at(-1)?.['repeated']).to.equal(490);
  });

  it('keeps no more than 8 MiB for a reader that does not read, and says how many lines were lost', async () => {
    const stream = new PassThrough();
    const logger = new ProcessLogger({ level: 'info', format: 'json', stream });
    await logger.start();
    const name = 'x'.repeat(1000);
    for (let n = 0; n < 20_000; n += 1) logger.info('decision', { name });
    expect(stream.writableLength + stream.readableLength).to.be.below(9 * 1024 * 1024);
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    while (stream.writableLength > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    logger.info('decision', { name: 'later' });
    const parsed = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string; lines?: number });
    const lost = parsed.find(({ message }) => message === 'log lines lost: nobody read them')?.lines ?? 0;
    expect(lost).to.be.above(10_000);
    expect(parsed.filter(({ message }) => message === 'decision')).to.have.length(20_001 - lost);
  });
});
