import { type Command, InvalidArgumentError } from 'commander';
import { MAX_VERSION } from '../../contract/alias.js';
import { type RolloutRecord, rolloutRecordSchema } from '../../contract/rollout.js';
import { openSession } from '../session.js';
import { duration, wholeNumber } from '../values.js';

interface RolloutFlags {
  to?: number;
  steps?: number[];
  every?: number;
  maxErrors?: number;
  minCalls?: number;
  maxP95?: number;
}

const pathOf = (fn: string) => `/v1/functions/${encodeURIComponent(fn)}/rollout`;

/**
 * Adds the commands `orama rollout <function> --to <version>` and `rollout status|abort
 * <function>`.
 */
export function addRollout(parent: Command): void {
  const rollout = parent
    .command('rollout')
    .description('move calls to a version in steps, with automatic rollback on failure');
  rollout
    .command('start', { isDefault: true })
    .description('start a rollout; "start" may be omitted')
    .argument('<function>')
    .requiredOption('--to <version>', 'the version to move to', wholeNumber(1, MAX_VERSION))
    .option('--steps <percents>', 'percentages of the steps, such as 5,25,50', percents)
    .option('--every <duration>', 'duration of a step, such as 60s or 5m', duration(86_400))
    .option(
      '--max-errors <percent>',
      'maximum percentage of failed calls, such as 2%; above it, roll back',
      percent,
    )
    .option(
      '--min-calls <n>',
      'minimum number of calls before a step is evaluated',
      wholeNumber(1, 1_000_000),
    )
    .option('--max-p95 <ms>', 'maximum 95th percentile; above it, roll back', wholeNumber(1, 300_000))
    .action(async (fn: string, flags: RolloutFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      const json = {
        to: flags.to,
        steps: flags.steps,
        every_seconds: flags.every,
        max_error_percent: flags.maxErrors,
        min_calls: flags.minCalls,
        max_p95_ms: flags.maxP95,
      };
      terminal.show(await client.call('POST', pathOf(fn), { json }), rolloutRecordSchema, describe);
    });
  rollout
    .command('status')
    .description('show the running or last rollout')
    .argument('<function>')
    .action(async (fn: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      terminal.show(await client.call('GET', pathOf(fn)), rolloutRecordSchema, describe);
    });
  rollout
    .command('abort')
    .description('return all calls to the previous version')
    .argument('<function>')
    .action(async (fn: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      terminal.show(await client.call('DELETE', pathOf(fn)), rolloutRecordSchema, describe);
    });
}

function describe(rollout: RolloutRecord): string {
  const { function: fn, from, to, state, percent: share, calls, errors, reason } = rollout;
  const figures = `${calls} calls of version ${to} in this step, ${errors} failed`;
  switch (state) {
    case 'running':
      return `${fn}: ${share} % on version ${to}, the rest on version ${from}; ${figures}`;
    case 'completed':
      return `${fn}: all calls are on version ${to}`;
    case 'rolled_back':
    case 'aborted':
      return `${fn}: back on version ${from} (${reason ?? state})`;
  }
}

function percents(text: string): number[] {
  return text.split(',').map((part) => wholeNumber(1, 100)(part.trim().replace(/%$/, '')));
}

function percent(text: string): number {
  const [, digits] = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text) ?? [];
  const value = Number(digits);
  if (digits === undefined || value > 100) {
    throw new InvalidArgumentError('It must be a percentage from 0 to 100, such as 2%.');
  }
  return value;
}
