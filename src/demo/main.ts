import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import { findTool } from '../cli/build/run-tool.js';
import { AppError, messageOf } from '../errors.js';
import { createStage, type Stage } from './stage.js';

// `npm run demo`: what a user would do in the first five minutes, with the real command line and a real engine.

const EVENT_WAIT_MS = 30_000;
const colors = pc.createColors(process.stdout.isTTY === true && pc.isColorSupported);
let chapters = 0;

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function chapter(title: string): void {
  chapters += 1;
  say(`\n${colors.bold(colors.cyan(`${chapters}  ${title}`))}\n`);
}

function show(command: string, output: string): void {
  say(`   ${colors.dim('$')} ${colors.bold(command)}`);
  for (const line of output.split('\n')) say(`   ${line}`);
}

/** Runs a command and shows it as a person would have typed it. */
async function run(stage: Stage, ...args: string[]): Promise<string> {
  const output = await stage.orama(...args);
  show(`orama ${args.map(quoted).join(' ')}`, output);
  return output;
}

function quoted(argument: string): string {
  return /^[\w./:@=-]+$/.test(argument) ? argument : `'${argument}'`;
}

async function tell(stage: Stage): Promise<void> {
  chapter('Start the engine: queue, database, cache and HTTP in one process');
  show('orama up --port 0', `listening on ${await stage.startEngine()}`);

  chapter('Deploy a function, compiled from AssemblyScript on the spot, and call it');
  await run(stage, 'function', 'deploy', 'examples/hello-assemblyscript');
  await run(stage, 'function', 'invoke', 'hello', '--data', '{"name":"Ada"}');
  await run(stage, 'function', 'invoke', 'hello', '--data', '{"name":"Grace"}');

  chapter('Let an event trigger another function, which writes into its database');
  await run(stage, 'function', 'deploy', 'examples/guestbook');
  await run(stage, 'function', 'publish', 'guests:arrived', '--data', '{"name":"Ada"}');
  await run(stage, 'function', 'publish', 'guests:arrived', '--data', '{"name":"Grace"}');
  await logged(stage, 'guestbook', 2);
  await run(stage, 'function', 'logs', 'guestbook');

  chapter('See a failure retried: this function fails twice, one second apart, and then succeeds');
  await run(stage, 'function', 'deploy', 'examples/flaky');
  await run(stage, 'function', 'invoke', 'flaky');
  await run(stage, 'function', 'logs', 'flaky');

  if (findTool('go') !== undefined || findTool('tinygo') !== undefined) {
    chapter('The same with Go, unchanged: it starts once and is then resumed, not started, per call');
    await run(stage, 'function', 'deploy', 'examples/hello-go');
    await run(stage, 'function', 'invoke', 'hello-go');
  }

  chapter('What is deployed now');
  await run(stage, 'function', 'list');
}

/** Waits until a function's log holds so many attempts: events run when a worker gets to them. */
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
  const stage = createStage();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stage.close().then(() => process.exit(130)));
  }
  say(colors.bold('Orama Functions, from nothing to an event-driven function'));
  try {
    await tell(stage);
    await stage.close();
  } catch (error) {
    process.stderr.write(`\n${colors.red('The demonstration failed:')} ${messageOf(error)}\n`);
    return 1;
  } finally {
    await stage.close();
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  say(`\n${colors.green('Done')} in ${seconds} s. The engine is stopped and its data is removed.`);
  say('Now yours:  npx orama up   and, in another terminal,   npx orama function init hello');
  return 0;
}

process.exitCode = await main();
