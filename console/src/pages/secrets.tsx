import { useState } from 'preact/hooks';
import { MAX_SECRET_BYTES } from '../../../src/contract/limits.js';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Field, Form } from '../parts/form.js';
import { showMessage } from '../parts/messages.js';
import { Age } from '../parts/moment.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { label, tooLong } from '../text.js';
import type { SecretsReply } from '../types.js';
import { useResource } from '../use-resource.js';

const PATH = '/v1/functions/secrets';
const LIVE_MS = 10_000;

export function SecretsPage() {
  const secrets = useResource('secrets', (signal) => call<SecretsReply>('GET', PATH, { signal }), LIVE_MS);
  return (
    <Page title="Secrets">
      <Panel title="Names">
        <ResourceView
          of={secrets}
          what="the secrets"
          isEmpty={({ count }) => count === 0}
          empty={<p>None yet. A function reads one with get_secret; nobody can read it back here.</p>}
        >
          {({ secrets: all }) => (
            <Table
              label="Secrets"
              rows={all}
              keyOf={({ name: each }) => each}
              columns={[
                {
                  name: 'Name',
                  isTitle: true,
                  isWide: true,
                  cell: ({ name: each }) => <code>{label(each)}</code>,
                },
                { name: 'Changed', cell: ({ updated_at: at }) => <Age at={at} /> },
                { name: 'Created', cell: ({ created_at: at }) => <Age at={at} /> },
                {
                  name: '',
                  cell: ({ name: each }) => (
                    <Action
                      label="Delete"
                      name={`Delete secret ${label(each)}`}
                      class="quiet"
                      confirm={{
                        title: `Delete the secret ${label(each)}?`,
                        text: `Functions that ask for "${label(each)}" get nothing from then on. Its value cannot be brought back.`,
                        label: 'Delete the secret',
                      }}
                      run={async () => {
                        await call('DELETE', `${PATH}/${encodeURIComponent(each)}`);
                        secrets.reload();
                        return `Deleted ${label(each)}.`;
                      }}
                    />
                  ),
                },
              ]}
            />
          )}
        </ResourceView>
      </Panel>
      <SetSecret onSet={secrets.reload} />
    </Page>
  );
}

function SetSecret({ onSet }: { onSet(): void }) {
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const problem = tooLong(value, MAX_SECRET_BYTES);
  const set = async () => {
    await call('PUT', PATH, { json: { name, value } });
    showMessage('done', `Set ${name}.`);
    setName('');
    setValue('');
    onSet();
  };
  return (
    <Panel title="Set a secret">
      <Form
        label="Set a secret"
        submit="Set the secret"
        disabled={name === '' || problem !== undefined}
        onSubmit={set}
      >
        <Field label="Name" name="name">
          {(attributes) => (
            <input
              {...attributes}
              spellcheck={false}
              placeholder="STRIPE_KEY"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field
          label="Value"
          name="value"
          problem={problem}
          hint="Stored as it is, line breaks included; encrypted, and never shown again."
        >
          {(attributes) => (
            // An input of one line would drop the line breaks of a pasted key.
            <textarea
              {...attributes}
              class="code"
              rows={3}
              autocomplete="off"
              spellcheck={false}
              value={value}
              onInput={(event) => setValue(event.currentTarget.value)}
            />
          )}
        </Field>
      </Form>
    </Panel>
  );
}
