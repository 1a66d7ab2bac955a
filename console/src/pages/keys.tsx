import { useState } from 'preact/hooks';
import { SCOPE_NAMES } from '../../../src/contract/scope-names.js';
import { call } from '../api/request.js';
import { now } from '../clock.js';
import { Action } from '../parts/action.js';
import { Actor } from '../parts/actor.js';
import { CopyButton } from '../parts/copy-button.js';
import { Dialog } from '../parts/dialog.js';
import { Field, Form } from '../parts/form.js';
import { Age } from '../parts/moment.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { brief, label } from '../text.js';
import type { KeyRecord, KeysReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { AuditPanel } from './audit-panel.js';

const PATH = '/v1/auth/keys';
const LIVE_MS = 10_000;

export function KeysPage() {
  const keys = useResource('keys', (signal) => call<KeysReply>('GET', PATH, { signal }), LIVE_MS);
  const [made, setMade] = useState<string | null>(null);
  return (
    <Page title="Keys">
      <Panel title="API keys of this namespace">
        <ResourceView of={keys} what="the keys" isEmpty={({ count }) => count === 0} empty={<p>None.</p>}>
          {({ keys: all }) => (
            <Table
              label="API keys"
              rows={all}
              keyOf={({ id }) => id}
              columns={[
                { name: 'Name', isTitle: true, isWide: true, cell: ({ name }) => brief(name, 80) },
                {
                  name: 'Scopes',
                  cell: ({ scopes }) => (scopes.includes('*') ? 'everything' : label(scopes.join(', '))),
                },
                {
                  name: 'Functions',
                  cell: ({ functions }) => (
                    <span class="names">{functions === null ? 'all' : label(functions.join(', '))}</span>
                  ),
                },
                { name: 'Last used', cell: ({ last_used_at: at }) => <Age at={at} /> },
                { name: 'Expires', cell: ({ expires_at: at }) => <Age at={at} /> },
                { name: 'Created', cell: ({ created_at: at }) => <Age at={at} /> },
                {
                  name: 'By',
                  cell: ({ created_by: by }) => by !== '' && <Actor of={by} name={nameOf(by, all)} />,
                },
                {
                  name: '',
                  cell: ({ id, name }) => (
                    <Action
                      label="Revoke"
                      name={`Revoke key ${label(name)}`}
                      class="quiet"
                      confirm={{
                        title: `Revoke the key “${brief(name, 80)}”?`,
                        text: 'Whoever uses it is refused within 2 seconds, and so are the keys and sessions made with it: this one, too, if it is yours.',
                        label: 'Revoke the key',
                      }}
                      run={async () => {
                        const { message } = await call<{ message: string }>('DELETE', `${PATH}/${id}`);
                        keys.reload();
                        return message;
                      }}
                    />
                  ),
                },
              ]}
            />
          )}
        </ResourceView>
      </Panel>
      <MakeKey
        onMade={(key) => {
          setMade(key);
          keys.reload();
        }}
      />
      <AuditPanel />
      {made !== null && (
        <Dialog title="The new key" onClose={() => setMade(null)}>
          <p>It is shown this once. Keep it where secrets are kept.</p>
          <pre class="key">{made}</pre>
          <div class="buttons">
            <CopyButton text={made} what="the new key" />
            <button type="button" class="primary" onClick={() => setMade(null)}>
              Done
            </button>
          </div>
        </Dialog>
      )}
    </Page>
  );
}

/** Returns the name of a key's maker, which is in the same list unless it is the admin key. */
function nameOf(subject: string, keys: readonly KeyRecord[]): string | undefined {
  return keys.find(({ id }) => subject === `key:${id}`)?.name;
}

function MakeKey({ onMade }: { onMade(key: string): void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly string[]>(['read']);
  const [functions, setFunctions] = useState('');
  const [days, setDays] = useState('90');
  const make = async () => {
    const patterns = functions.split(/[\s,]+/).filter(Boolean);
    const reply = await call<{ api_key: string }>('POST', PATH, {
      json: {
        name,
        scopes: scopes.length === SCOPE_NAMES.length ? undefined : scopes,
        ...(patterns.length === 0 ? {} : { functions: patterns }),
        ...(days === '' ? {} : { expires_at: new Date(now() + Number(days) * 86_400_000).toISOString() }),
      },
    });
    onMade(reply.api_key);
    setName('');
  };
  const toggle = (scope: string, isOn: boolean) =>
    setScopes(SCOPE_NAMES.filter((each) => (each === scope ? isOn : scopes.includes(each))));
  return (
    <Panel title="Create a key">
      <Form
        label="Create a key"
        submit="Create the key"
        disabled={name === '' || scopes.length === 0}
        onSubmit={make}
      >
        <div class="row">
          <Field label="Name" name="name">
            {(attributes) => (
              <input
                {...attributes}
                placeholder="ci"
                value={name}
                onInput={(event) => setName(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field label="Expires after days" name="expires_at" hint="Empty: never.">
            {(attributes) => (
              <input
                {...attributes}
                type="number"
                min={1}
                max={36_500}
                value={days}
                onInput={(event) => setDays(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field label="Functions" name="functions" hint="Names and patterns such as hook-*; empty: all.">
            {(attributes) => (
              <input
                {...attributes}
                value={functions}
                onInput={(event) => setFunctions(event.currentTarget.value)}
              />
            )}
          </Field>
        </div>
        <fieldset>
          <legend>Scopes</legend>
          {SCOPE_NAMES.map((scope) => (
            <label key={scope} class="check">
              <input
                type="checkbox"
                checked={scopes.includes(scope)}
                onChange={(event) => toggle(scope, event.currentTarget.checked)}
              />
              {scope}
            </label>
          ))}
        </fieldset>
      </Form>
    </Panel>
  );
}
