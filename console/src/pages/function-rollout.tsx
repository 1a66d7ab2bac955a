import { useRef, useState } from 'preact/hooks';
import { isRefused } from '../api/error.js';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Field, Form } from '../parts/form.js';
import { Facts, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { State } from '../parts/state.js';
import { brief, count, milliseconds, seconds } from '../text.js';
import type { AliasesReply, Rollout } from '../types.js';
import { type Resource, useResource } from '../use-resource.js';

const LIVE_MS = 3000;

function pathOf(name: string): string {
  return `/v1/functions/${encodeURIComponent(name)}/rollout`;
}

/**
 * Loads the current or the last rollout; null if there has been none. The browser's console reports
 * each 404 as an error, so one is asked for only once until there may be one: a rollout is between
 * two versions, and its start changes the alias `live`.
 */
export function useRollout(name: string, newest: number): Resource<Rollout | null> {
  const path = pathOf(name);
  const missingAt = useRef<string | null>(null);
  const hasOne = useRef(false);
  return useResource(
    path,
    async (signal) => {
      if (newest < 2) return null;
      const liveAt = hasOne.current ? null : await liveChangedAt(name, signal);
      if (liveAt !== null && liveAt === missingAt.current) return null;
      try {
        const rollout = await call<Rollout>('GET', path, { signal });
        hasOne.current = true;
        return rollout;
      } catch (error) {
        if (!isRefused(error, 404)) throw error;
        hasOne.current = false;
        missingAt.current = liveAt;
        return null;
      }
    },
    LIVE_MS,
  );
}

async function liveChangedAt(name: string, signal: AbortSignal): Promise<string> {
  const { aliases } = await call<AliasesReply>('GET', `/v1/functions/${encodeURIComponent(name)}/aliases`, {
    signal,
  });
  return aliases.find(({ alias }) => alias === 'live')?.updated_at ?? 'never';
}

export function RolloutPanel({ name, newest }: { name: string; newest: number }) {
  const path = pathOf(name);
  const rollout = useRollout(name, newest);
  const isRunning = rollout.data?.state === 'running';
  return (
    <Panel
      title="Rollout"
      aside={
        isRunning && (
          <Action
            label="Abort the rollout"
            class="danger"
            confirm={{
              title: `Abort the rollout of ${name}?`,
              text: `All calls go to version ${rollout.data?.from} again.`,
              label: 'Abort the rollout',
            }}
            run={async () => {
              await call('DELETE', path);
              rollout.reload();
              return 'The rollout has been aborted.';
            }}
          />
        )
      }
    >
      <ResourceView of={rollout} what="the rollout">
        {(data) => (
          <>
            {data === null ? <p class="faint">There has been none.</p> : <Progress of={data} />}
            {!isRunning && newest > 1 && <Start name={name} newest={newest} onStart={rollout.reload} />}
          </>
        )}
      </ResourceView>
    </Panel>
  );
}

/** Says that a function has no such version; undefined if it may have. */
export function missingVersion(version: string, newest: number): string | undefined {
  return Number(version) > newest ? `There is no version ${version}; the newest is ${newest}.` : undefined;
}

function Progress({ of: rollout }: { of: Rollout }) {
  return (
    <>
      <Facts
        of={[
          ['State', <State key="state" of={rollout.state} />],
          ['From', rollout.from],
          ['To', rollout.to],
          ['Share', `${rollout.percent} %`],
          ['Calls of this step', count(rollout.calls)],
          ['Errors', `${count(rollout.errors)}, at most ${rollout.max_error_percent} %`],
          ['p95', milliseconds(rollout.p95_ms)],
          ['Steps', `${rollout.steps.join(', ')} %, ${seconds(rollout.every_seconds)} each`],
        ]}
      />
      <progress max={100} value={rollout.percent} aria-label="Share of the new version" />
      {rollout.reason !== null && <p>{brief(rollout.reason, 1000)}</p>}
    </>
  );
}

function partsOf(list: string): string[] {
  return list.split(/[\s,]+/).filter(Boolean);
}

/** Says that a text is no number: JSON would turn it into null. */
function notANumber(texts: readonly string[]): string | undefined {
  const wrong = texts.find((part) => !Number.isFinite(Number(part)));
  return wrong === undefined ? undefined : `“${brief(wrong, 40)}” is not a number.`;
}

function Start({ name, newest, onStart }: { name: string; newest: number; onStart(): void }) {
  const [to, setTo] = useState(String(newest));
  const [steps, setSteps] = useState('5, 25, 50');
  const [every, setEvery] = useState('60');
  const [errors, setErrors] = useState('2');
  const problems: Readonly<Record<string, string | undefined>> = {
    to: notANumber([to]) ?? missingVersion(to, newest),
    steps: notANumber(partsOf(steps)),
    every_seconds: notANumber([every]),
    max_error_percent: notANumber([errors]),
  };
  const isComplete = [to, steps, every, errors].every((value) => value.trim() !== '');
  const start = async () => {
    await call('POST', pathOf(name), {
      json: {
        to: Number(to),
        steps: partsOf(steps).map(Number),
        every_seconds: Number(every),
        max_error_percent: Number(errors),
      },
    });
    onStart();
  };
  return (
    <details>
      <summary>Start a rollout</summary>
      <Form
        label="Start a rollout"
        submit="Start"
        class="inline"
        disabled={!isComplete || Object.values(problems).some((problem) => problem !== undefined)}
        onSubmit={start}
      >
        {(
          [
            ['To version', 'to', to, setTo],
            ['Steps in percent', 'steps', steps, setSteps],
            ['Seconds a step', 'every_seconds', every, setEvery],
            ['Most errors in percent', 'max_error_percent', errors, setErrors],
          ] as const
        ).map(([label, name, value, change]) => (
          <Field key={name} label={label} name={name} problem={problems[name]}>
            {(attributes) => (
              <input
                {...attributes}
                size={10}
                value={value}
                onInput={(event) => change(event.currentTarget.value)}
              />
            )}
          </Field>
        ))}
      </Form>
    </details>
  );
}
