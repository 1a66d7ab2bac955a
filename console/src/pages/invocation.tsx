import { useEffect, useState } from 'preact/hooks';
import { isLiveState } from '../../../src/contract/invocation-state.js';
import { call } from '../api/request.js';
import { curlOf } from '../curl.js';
import { appended, isEmptyLog, NO_LINES } from '../log-lines.js';
import { Action } from '../parts/action.js';
import { CopyButton } from '../parts/copy-button.js';
import { LogView } from '../parts/log-view.js';
import { Moment } from '../parts/moment.js';
import { Facts, Page, Panel } from '../parts/page.js';
import { Payload } from '../parts/payload.js';
import { ResourceView } from '../parts/resource-view.js';
import { State } from '../parts/state.js';
import { Link } from '../router.js';
import { brief, label, milliseconds, visible } from '../text.js';
import type { InvocationRecord, LogsReply } from '../types.js';
import { useLive } from '../use-live.js';
import { useResource } from '../use-resource.js';
import { runTime } from './invocation-table.js';
import { InvocationTree } from './invocation-tree.js';
import { ReplayDialog } from './replay-dialog.js';

const CALLBACK_MS = 5000;
const DEAD_MS = 10_000;

export function InvocationPage({ id }: { id: string }) {
  const path = `/v1/invocations/${encodeURIComponent(id)}`;
  const [ended, setEnded] = useState<InvocationRecord | null>(null);
  const live = useLive<InvocationRecord>(ended === null ? `${path}?follow=true` : null);
  useEffect(() => {
    if (live.data !== undefined && !isLiveState(live.data.state)) setEnded(live.data);
  }, [live.data]);
  // A dead letter may be replayed from elsewhere, and then counts as an error or a timeout.
  useResource(
    ended?.state === 'dead' ? `dead ${path}` : null,
    async (signal) => setEnded(await call<InvocationRecord>('GET', path, { signal })),
    DEAD_MS,
  );
  // Any other invocation that has ended does not change and needs no connection.
  const invocation =
    ended === null ? live : { data: ended, error: undefined, isLoading: false, reload: () => setEnded(null) };
  const record = invocation.data;
  return (
    <Page
      title={label(record?.function ?? 'Invocation')}
      trail={
        <>
          <Link to="/invocations">Invocations</Link> / <code>{brief(id)}</code>
        </>
      }
      aside={record && <Acts of={record} reload={invocation.reload} />}
    >
      <ResourceView of={invocation} what="this invocation">
        {(shown) => <Details of={shown} />}
      </ResourceView>
    </Page>
  );
}

function Details({ of: record }: { of: InvocationRecord }) {
  const log = useResource(
    `log ${record.request_id} ${record.attempts.length} ${record.state}`,
    async (signal) => {
      const path = `/v1/functions/${encodeURIComponent(record.function)}/logs`;
      const query = { request_id: record.request_id };
      const { logs } = await call<LogsReply>('GET', path, { query, signal });
      return appended(NO_LINES, logs.toReversed());
    },
  );
  return (
    <>
      <Facts
        of={[
          ['State', <State key="state" of={record.state} />],
          [
            'Function',
            <Link key="function" to={`/functions/${encodeURIComponent(record.function)}`}>
              {label(record.function)}@{record.version}
            </Link>,
          ],
          ['Trigger', `${label(record.trigger)}, depth ${record.trigger_depth}`],
          ...(record.message_id === undefined
            ? []
            : [
                [
                  'Message',
                  <Link key="message" to={`/events/${encodeURIComponent(record.message_id)}`}>
                    …{visible(record.message_id.slice(-6))}
                  </Link>,
                ] as const,
              ]),
          ['Accepted', <Moment key="accepted" at={record.created_at} />],
          ['Ended', <Moment key="ended" at={record.completed_at} />],
          ['Ran', milliseconds(runTime(record))],
        ]}
      />
      {record.error !== null && (
        <pre class="notice bad error-text">{visible(record.error.slice(0, 16_384))}</pre>
      )}
      <Panel title="Attempts">
        {record.attempts.length === 0 ? (
          <p class="faint">None has ended yet.</p>
        ) : (
          <ol class="attempts">
            {record.attempts.map(({ number, status, error, started_at, duration_ms }) => (
              <li key={number}>
                <span>#{number}</span> <State of={status} /> <Moment at={started_at} short />{' '}
                <span>{milliseconds(duration_ms)}</span>
                {error !== null && <span class="attempt-error">{visible(error.slice(0, 1000))}</span>}
              </li>
            ))}
          </ol>
        )}
      </Panel>
      <Panel title="What caused it, and what it caused">
        <InvocationTree of={record} />
      </Panel>
      <Panel title="Log">
        <ResourceView
          of={log}
          what="the log"
          isEmpty={isEmptyLog}
          empty={
            <p>
              {record.attempts.length === 0
                ? 'Written when an attempt has ended.'
                : 'It has written nothing.'}
            </p>
          }
        >
          {(lines) => <LogView of={lines} />}
        </ResourceView>
      </Panel>
      <div class="halves">
        <Panel title="Input">
          <Payload
            label="Input"
            text={record.input}
            base64={record.input_base64}
            name={`${record.request_id}-input`}
          />
        </Panel>
        <Panel title="Output">
          <Payload
            label="Output"
            text={record.output}
            base64={record.output_base64}
            name={`${record.request_id}-output`}
            missing={isLiveState(record.state) ? 'Not there yet.' : 'None, or no longer kept.'}
          />
        </Panel>
      </div>
      {record.callback && <Callback of={record} callback={record.callback} />}
    </>
  );
}

type CallbackRecord = NonNullable<InvocationRecord['callback']>;

/** The callback, which is sent after the invocation has ended. */
function Callback({ of: record, callback: first }: { of: InvocationRecord; callback: CallbackRecord }) {
  const [sent, setSent] = useState<CallbackRecord | null>(null);
  const callback = sent ?? first;
  const isAwaited = callback.delivered_at === null && !isLiveState(record.state);
  const path = `/v1/invocations/${encodeURIComponent(record.request_id)}`;
  useResource(
    isAwaited ? path : null,
    async (signal) => setSent((await call<InvocationRecord>('GET', path, { signal })).callback),
    CALLBACK_MS,
  );
  return (
    <Panel title="Callback">
      <Facts
        of={[
          ['Address', <code key="url">{brief(callback.url, 1000)}</code>],
          ['Deliveries tried', callback.attempts],
          ['Delivered', <Moment key="delivered" at={callback.delivered_at} />],
          ['Last error', callback.last_error === null ? '–' : brief(callback.last_error, 1000)],
        ]}
      />
    </Panel>
  );
}

function Acts({ of: record, reload }: { of: InvocationRecord; reload(): void }) {
  const [isReplaying, setIsReplaying] = useState(false);
  const isLive = isLiveState(record.state);
  return (
    <>
      <CopyButton text={curlOf(record)} what="the call as a curl command" label="Copy as curl" />
      {isLive ? (
        <Action
          label="Cancel"
          class="danger"
          confirm={{
            title: 'Cancel this invocation?',
            text: `${label(record.function)}@${record.version}, ${label(record.request_id)}. What it has done so far is not undone.`,
            label: 'Cancel the invocation',
          }}
          run={async () => {
            await call('DELETE', `/v1/invocations/${record.request_id}`);
            reload();
            return 'Cancelled.';
          }}
        />
      ) : (
        <button type="button" class="primary" onClick={() => setIsReplaying(true)}>
          Replay…
        </button>
      )}
      {isReplaying && <ReplayDialog of={record} onClose={() => setIsReplaying(false)} />}
    </>
  );
}
