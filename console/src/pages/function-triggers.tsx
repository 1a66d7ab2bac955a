import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Field, Form } from '../parts/form.js';
import { showMessage } from '../parts/messages.js';
import { Age } from '../parts/moment.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { useNavigate } from '../router.js';
import { brief } from '../text.js';
import type { Trigger, TriggersReply } from '../types.js';
import { useResource } from '../use-resource.js';

/** Also for the next runs, which are in the past soon. */
const LIVE_MS = 5000;

export function TriggersPanel({ name }: { name: string }) {
  const navigate = useNavigate();
  const path = `/v1/functions/${name}/triggers`;
  const triggers = useResource(path, (signal) => call<TriggersReply>('GET', path, { signal }), LIVE_MS);
  return (
    <Panel title="Triggers">
      <ResourceView
        of={triggers}
        what="the triggers"
        isEmpty={({ count }) => count === 0}
        empty={<p>None: it runs when it is invoked. A topic or a schedule can be added below.</p>}
      >
        {({ triggers: all }) => (
          <Table
            label="Triggers"
            rows={all}
            keyOf={({ id }) => id}
            columns={[
              {
                name: 'Fires on',
                isTitle: true,
                isWide: true,
                cell: (each) => <code>{sourceOf(each)}</code>,
              },
              {
                name: 'Next run',
                cell: (each) =>
                  !each.enabled ? (
                    <span class="faint">paused</span>
                  ) : 'cron' in each ? (
                    <Age at={each.next_run_at} />
                  ) : (
                    <span class="faint">when published</span>
                  ),
              },
              { name: 'Enabled', cell: ({ enabled }) => (enabled ? 'yes' : 'no') },
              { name: 'Added', cell: ({ created_at: at }) => <Age at={at} /> },
              {
                name: '',
                cell: (each) => (
                  <>
                    <Action
                      label={each.enabled ? 'Pause' : 'Resume'}
                      name={`${each.enabled ? 'Pause' : 'Resume'} trigger ${sourceOf(each)}`}
                      class="quiet"
                      run={async () => {
                        await call('PATCH', `${path}/${each.id}`, { json: { enabled: !each.enabled } });
                        triggers.reload();
                        return each.enabled ? 'Paused: it neither fires nor catches up.' : 'It fires again.';
                      }}
                    />
                    {'cron' in each && (
                      <Action
                        label="Run now"
                        name={`Run trigger ${sourceOf(each)} now`}
                        class="quiet"
                        run={async () => {
                          const { request_id: id } = await call<{ request_id: string }>(
                            'POST',
                            `${path}/${each.id}/run`,
                          );
                          navigate(`/invocations/${id}`);
                          return `Runs as ${id}.`;
                        }}
                      />
                    )}
                    <Action
                      label="Delete"
                      name={`Delete trigger ${sourceOf(each)}`}
                      class="quiet"
                      confirm={{
                        title: `Delete this trigger of ${name}?`,
                        text: `${sourceOf(each)} no longer fires ${name}. One that function.yaml lists comes back with the next deploy.`,
                        label: 'Delete the trigger',
                      }}
                      run={async () => {
                        await call('DELETE', `${path}/${each.id}`);
                        triggers.reload();
                        return 'Deleted the trigger.';
                      }}
                    />
                  </>
                ),
              },
            ]}
          />
        )}
      </ResourceView>
      <AddTrigger path={path} onAdd={triggers.reload} />
    </Panel>
  );
}

function sourceOf(trigger: Trigger): string {
  return brief('cron' in trigger ? `${trigger.cron} (${trigger.timezone})` : trigger.topic);
}

function AddTrigger({ path, onAdd }: { path: string; onAdd(): void }) {
  const [kind, setKind] = useState('topic');
  const [source, setSource] = useState('');
  const [timezone, setTimezone] = useState('UTC');
  const add = async () => {
    const json = kind === 'topic' ? { topic: source } : { cron: source, timezone };
    const { message } = await call<{ message: string }>('POST', path, { json });
    showMessage('done', message);
    setSource('');
    onAdd();
  };
  return (
    <Form
      label="Add a trigger"
      submit="Add the trigger"
      class="inline"
      disabled={source === ''}
      onSubmit={add}
    >
      <Field label="Kind">
        {(attributes) => (
          <select {...attributes} value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="topic">Topic</option>
            <option value="cron">Schedule</option>
          </select>
        )}
      </Field>
      <Field label={kind === 'topic' ? 'Topic or pattern' : 'Cron expression'} name={kind}>
        {(attributes) => (
          <input
            {...attributes}
            placeholder={kind === 'topic' ? 'orders:*' : '*/5 * * * *'}
            value={source}
            onInput={(event) => setSource(event.currentTarget.value)}
          />
        )}
      </Field>
      {kind === 'cron' && (
        <Field label="Time zone" name="timezone">
          {(attributes) => (
            <input
              {...attributes}
              value={timezone}
              onInput={(event) => setTimezone(event.currentTarget.value)}
            />
          )}
        </Field>
      )}
    </Form>
  );
}
