import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Field, Form } from '../parts/form.js';
import { showMessage } from '../parts/messages.js';
import { Age } from '../parts/moment.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { label } from '../text.js';
import type { AliasesReply } from '../types.js';
import { useResource } from '../use-resource.js';

export function AliasesPanel({ name }: { name: string }) {
  const path = `/v1/functions/${name}/aliases`;
  const aliases = useResource(path, (signal) => call<AliasesReply>('GET', path, { signal }));
  const [alias, setAlias] = useState('');
  const [version, setVersion] = useState('');
  const [split, setSplit] = useState('');
  const set = async () => {
    const { weights } = await call<{ weights: Record<string, number> }>(
      'PUT',
      `${path}/${encodeURIComponent(alias)}`,
      { json: { version: Number(version), ...(split.trim() === '' ? {} : { weights: weightsOf(split) }) } },
    );
    showMessage('done', `${alias} names version ${splitText(Number(version), weights)}.`);
    setAlias('');
    setVersion('');
    setSplit('');
    aliases.reload();
  };
  return (
    <Panel title="Aliases">
      <ResourceView
        of={aliases}
        what="the aliases"
        isEmpty={({ aliases: all }) => all.length === 0}
        empty={<p>None: calls without a version run the newest. An alias “live” would take them over.</p>}
      >
        {({ aliases: all }) => (
          <Table
            label="Aliases"
            rows={all}
            keyOf={({ alias: each }) => each}
            columns={[
              { name: 'Alias', cell: ({ alias: each }) => <code>{label(each)}</code> },
              { name: 'Version', cell: ({ version: each, weights }) => label(splitText(each, weights)) },
              { name: 'Changed', cell: ({ updated_at: at }) => <Age at={at} /> },
              {
                name: '',
                cell: ({ alias: each }) => (
                  <Action
                    label="Delete"
                    name={`Delete alias ${label(each)}`}
                    class="quiet"
                    confirm={{
                      title: `Delete alias ${label(each)} of ${name}?`,
                      text: `Calls of ${name}@${label(each)} are refused from then on${each === 'live' ? '; calls without a version run the newest' : ''}.`,
                      label: 'Delete the alias',
                    }}
                    run={async () => {
                      await call('DELETE', `${path}/${encodeURIComponent(each)}`);
                      aliases.reload();
                      return `Deleted alias ${label(each)}.`;
                    }}
                  />
                ),
              },
            ]}
          />
        )}
      </ResourceView>
      <Form
        label="Set an alias"
        submit="Set the alias"
        class="inline"
        disabled={alias === '' || version === ''}
        onSubmit={set}
      >
        <Field label="Alias">
          {(attributes) => (
            <input
              {...attributes}
              size={12}
              value={alias}
              onInput={(event) => setAlias(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Version">
          {(attributes) => (
            <input
              {...attributes}
              type="number"
              min={1}
              value={version}
              onInput={(event) => setVersion(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Share of others, in percent">
          {(attributes) => (
            <input
              {...attributes}
              size={12}
              placeholder="8=10, 9=5"
              value={split}
              onInput={(event) => setSplit(event.currentTarget.value)}
            />
          )}
        </Field>
      </Form>
    </Panel>
  );
}

/** Parses weights such as `8=10, 9=5`. The engine rejects invalid ones. */
function weightsOf(text: string): Record<string, number> {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return Object.fromEntries(
    parts.map((part) => {
      const [version = '', share = ''] = part.split('=');
      return [version, Number(share.replace(/%$/, ''))];
    }),
  );
}

/** Formats the target of an alias: `7`, or `90 % on 7, 10 % on 8`. */
function splitText(version: number, weights: Readonly<Record<string, number>>): string {
  const others = Object.entries(weights);
  if (others.length === 0) return String(version);
  const rest = 100 - others.reduce((sum, [, share]) => sum + share, 0);
  return [`${rest} % on ${version}`, ...others.map(([other, share]) => `${share} % on ${other}`)].join(', ');
}
