import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import { findTool } from '../cli/build/run-tool.js';
import { AppError, messageOf } from '../errors.js';
import { openStage, type Stage } from './stage.js';

// `npm run demo`: shows what a user would do in the first five minutes, with the real CLI and a
// real engine.

const EVENT_WAIT_MS = 30_000;
const isTerminal = process.stdout.isTTY === true;
const colors = pc.createColors(isTerminal && pc.isColorSupported);
let chapters = 0;

function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function chapter(title: string): void {
  chapters += 1;
  print(`\n${colors.bold(colors.cyan(`${chapters}. ${title}`))}\n`);
}

function prompt(args: readonly string[]): void {
  const shown = args.map((argument) => (/^[\w./:@=-]+$/.test(argument) ? argument : `'${argument}'`));
  print(`${colors.dim('$')} ${colors.bold(`orama ${shown.join(' ')}`)}`);
}

/** Runs a command and prints it as a user would have typed it. */
async function run(stage: Stage, ...args: string[]): Promise<void> {
  prompt(args);
  if (isTerminal) await stage.perform(...args);
  else print(await stage.orama(...args));
}

/**
 * Builds the examples one after another in the background, while the engine starts and the first
 * chapters run.
 */
function buildAhead(stage: Stage, examples: readonly string[]): (example: string) => Promise<void> {
  const builds = new Map<string, Promise<string>>();
  let before: Promise<unknown> = Promise.resolve();
  for (const example of examples) {
    const built = before.then(() => stage.orama('function', 'build', example));
    // A failure is reported when its chapter awaits the build.
    before = built.catch(() => undefined);
    builds.set(example, built);
  }
  return async (example) => {
    prompt(['function', 'build', example]);
    print(await (builds.get(example) ?? Promise.reject(new AppError('internal', `${example} is not built`))));
  };
}

async function runDemo(stage: Stage): Promise<void> {
  const go = findTool('go') ?? findTool('tinygo');
  const [hello, guestbook, flaky, helloGo] = [
    'examples/hello-typescript',
    'examples/guestbook',
    'examples/flaky',
    'examples/hello-go',
  ];
  const build = buildAhead(stage, [hello, guestbook, flaky, ...(go === undefined ? [] : [helloGo])]);

  chapter('Start the engine: queue, database, cache and HTTP in one process');
  prompt(['up', '--port', '0']);
  print(`listening on ${await stage.startEngine()}`);

  chapter('Deploy a function in TypeScript, built on the spot, and call it');
  await build(hello);
  await run(stage, 'function', 'deploy', hello);
  await run(stage, 'function', 'invoke', 'hello-typescript', '--data', '{"name":"Ada"}');

  chapter('Let an event trigger another function, which writes into its database');
  await build(guestbook);
  await run(stage, 'function', 'deploy', guestbook);
  await run(stage, 'function', 'publish', 'guests:arrived', '--data', '{"name":"Ada"}');
  await logged(stage, 'guestbook', 1);
  await run(stage, 'function', 'logs', 'guestbook');

  chapter('See a failure retried: this function fails twice, and succeeds at its third attempt');
  await build(flaky);
  await run(stage, 'function', 'deploy', flaky);
  await run(stage, 'function', 'invoke', 'flaky');
  await run(stage, 'function', 'logs', 'flaky');

  if (go === undefined) {
    print(colors.dim('\n(Go is not on PATH: the Go example is left out.)'));
  } else {
    chapter('The same with Go: the runtime starts once, and every call resumes from there');
    await build(helloGo);
    await run(stage, 'function', 'deploy', helloGo);
    await run(stage, 'function', 'invoke', 'hello-go');
  }

  chapter('What is deployed now');
  await run(stage, 'function', 'list');
}

/** Waits until a function's log contains `count` attempts; events run asynchronously. */
async function logged(stage: Stage, name: string, count: number): Promise<void> {
  const end = Date.now() + EVENT_WAIT_MS;
  while (Date.now() < end) {
    const { count: found } = JSON.parse(await stage.orama('function', 'logs', name, '--json'));
    if (found >= count) return;
    await sleep(100);
  }
  throw new AppError('internal', `${name} did not run within ${EVENT_WAIT_MS / 1000} s`);
}

async function main(): Promise<number> {
  const started = Date.now();
  const stage = openStage();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stage.close().then(() => process.exit(130)));
  }
  print(colors.bold('Orama Functions, from nothing to an event-driven function'));
  try {
    await runDemo(stage);
    await stage.close();
  } catch (error) {
    process.stderr.write(`\n${colors.red('The demonstration failed:')} ${messageOf(error)}\n`);
    return 1;
  } finally {
    await stage.close();
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  print(`\n${colors.green('Done')} in ${seconds} s. The engine is stopped and its data is removed.`);
  print(
    'Now yours:  node dist/app/orama.js up   and, in another terminal,   node dist/app/orama.js function init hello',
  );
  return 0;
}

process.exitCode = await main();
