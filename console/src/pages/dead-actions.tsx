import { messageOf } from '../api/error.js';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { label, plural } from '../text.js';

const TEXTS: Readonly<Record<string, string>> = {
  error: 'Error',
  timeout: 'Timeout',
  expired: 'Expired',
  worker_died: 'Worker died',
};

export function reasonText(reason: string): string {
  return TEXTS[reason] ?? label(reason);
}

/** The maximum number of ids per request. */
const BATCH = 100;
const MAX_NAMED = 5;

function pathOf(name: string): string {
  return `/v1/functions/${encodeURIComponent(name)}/dead`;
}

interface ChosenProps {
  /** The function of each selected invocation, by id. */
  chosen: ReadonlyMap<string, string>;
  onDone(): void;
}

/** Actions on the selected dead letters, which may belong to several functions. */
export function ChosenActions({ chosen, onDone }: ChosenProps) {
  const label = `${chosen.size} selected`;
  const each = async (method: 'POST' | 'DELETE', suffix: string, done: 'replayed' | 'purged') => {
    let total = 0;
    try {
      for (const [name, ids] of byFunction(chosen)) {
        for (let from = 0; from < ids.length; from += BATCH) {
          const { count } = await call<{ count: number }>(method, pathOf(name) + suffix, {
            query: { request_id: ids.slice(from, from + BATCH).join(',') },
          });
          total += count;
        }
      }
    } catch (error) {
      if (total === 0) throw error;
      throw new Error(`${total} of ${plural(chosen.size, 'dead letter')} ${done}, then: ${messageOf(error)}`);
    } finally {
      onDone();
    }
    return total;
  };
  return (
    <>
      <Action
        label={`Replay ${label}`}
        run={async () => {
          const total = await each('POST', '/replay', 'replayed');
          return `${plural(total, 'invocation')} ${total === 1 ? 'runs' : 'run'} again.`;
        }}
      />
      <Action
        label={`Purge ${label}`}
        class="danger"
        confirm={{
          title: `Purge ${plural(chosen.size, 'dead letter')}?`,
          text: `${named(chosen)}: deleted with ${chosen.size === 1 ? 'its input' : 'their inputs'}. This cannot be undone.`,
          label: `Purge ${label}`,
        }}
        run={async () => `${plural(await each('DELETE', '', 'purged'), 'dead letter')} purged.`}
      />
    </>
  );
}

function byFunction(chosen: ReadonlyMap<string, string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [id, name] of chosen) {
    const ids = groups.get(name);
    if (ids === undefined) groups.set(name, [id]);
    else ids.push(id);
  }
  return groups;
}

function named(chosen: ReadonlyMap<string, string>): string {
  const names = [...chosen].slice(0, MAX_NAMED).map(([id, name]) => `${name} ${id}`);
  const rest = chosen.size - names.length;
  return names.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

interface AllProps {
  name: string;
  reason: string;
  /** The number of dead letters, if known. */
  total: number | undefined;
  onDone(): void;
}

/** Actions on all dead letters of a function, or on those with one reason. */
export function AllActions({ name, reason, total, onDone }: AllProps) {
  const which = reason === '' ? `of "${name}"` : `of "${name}" with the reason "${reasonText(reason)}"`;
  const all = `${total === undefined ? 'Every dead letter' : `All ${plural(total, 'dead letter')}`} ${which}, also those on further pages`;
  const disabled = total === 0;
  return (
    <>
      <Action
        label="Replay all"
        disabled={disabled}
        confirm={{
          title: `Replay all dead letters of ${name}?`,
          text: `${all}: put on the queue again.`,
          label: 'Replay all',
        }}
        run={async () => {
          const { count } = await call<{ count: number }>('POST', `${pathOf(name)}/replay`, {
            query: { reason },
          });
          onDone();
          return `${plural(count, 'invocation')} of ${name} ${count === 1 ? 'runs' : 'run'} again.`;
        }}
      />
      <Action
        label="Purge all"
        class="danger"
        disabled={disabled}
        confirm={{
          title: `Purge all dead letters of ${name}?`,
          text: `${all}: deleted with their inputs. This cannot be undone.`,
          label: 'Purge all',
        }}
        run={async () => {
          const { count } = await call<{ count: number }>('DELETE', pathOf(name), { query: { reason } });
          onDone();
          return `${plural(count, 'dead letter')} of ${name} purged.`;
        }}
      />
    </>
  );
}
