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
import { missingVersion } from './function-rollout.js';

/** Also for the steps of a rollout, which change the alias "live". */
const LIVE_MS = 5000;

export function AliasesPanel({ name, newest }: { name: string; newest: number }) {
  const path = `/v1/functions/${name}/aliases`;
  const aliases = useResource(path, (signal) => call<AliasesReply>('GET', path, { signal }), LIVE_MS);
  return (
    <Panel title="Aliases">
      <ResourceView
        of={aliases}
        what="the aliases"
        isEmpty={({ aliases: all }) => all.length === 0}
        empty={<p>None: calls without a version run the newest. An alias “live” would take them over.</p>}
      >
        {({ aliases: all }) => (
          <AliasTable name={name} path={path} aliases={all} onChanged={aliases.reload} />
        )}
      </ResourceView>
      <AliasForm path={path} newest={newest} onChanged={aliases.reload} />
    </Panel>
  );
}

interface AliasTableProps {
  name: string;
  path: string;
  aliases: AliasesReply['aliases'];
  onChanged: () => void;
}

function AliasTable({ name, path, aliases, onChanged }: AliasTableProps) {
  return (
    <Table
      label="Aliases"
      rows={aliases}
      keyOf={({ alias }) => alias}
      columns={[
        { name: 'Alias', isTitle: true, cell: ({ alias }) => <code>{label(alias)}</code> },
        { name: 'Version', cell: ({ version, weights }) => label(splitText(version, weights)) },
        { name: 'Changed', cell: ({ updated_at: at }) => <Age at={at} /> },
        {
          name: '',
          cell: ({ alias }) => (
            <Action
              label="Delete"
              name={`Delete alias ${label(alias)}`}
              class="quiet"
              confirm={{
                title: `Delete alias ${label(alias)} of ${name}?`,
                text: `Calls of ${name}@${label(alias)} are refused from then on${alias === 'live' ? '; calls without a version run the newest' : ''}.`,
                label: 'Delete the alias',
              }}
              run={async () => {
                await call('DELETE', `${path}/${encodeURIComponent(alias)}`);
                onChanged();
                return `Deleted alias ${label(alias)}.`;
              }}
            />
          ),
        },
      ]}
    />
  );
}

interface AliasFormProps {
  path: string;
  newest: number;
  onChanged: () => void;
}

function AliasForm({ path, newest, onChanged }: AliasFormProps) {
  const [alias, setAlias] = useState('');
  const [version, setVersion] = useState('');
  const [split, setSplit] = useState('');
  const problem = missingVersion(version, newest);
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
    onChanged();
  };
  return (
    <Form
      label="Set an alias"
      submit="Set the alias"
      class="inline"
      disabled={alias === '' || version === '' || problem !== undefined}
      onSubmit={set}
    >
      <TextField label="Alias" name="alias" value={alias} onChange={setAlias} attributes={{ size: 12 }} />
      <TextField
        label="Version"
        name="version"
        problem={problem}
        value={version}
        onChange={setVersion}
        attributes={{ type: 'number', min: 1 }}
      />
      <TextField
        label="Share of others, in percent"
        name="weights"
        value={split}
        onChange={setSplit}
        attributes={{ size: 12, placeholder: '8=10, 9=5' }}
      />
    </Form>
  );
}

interface TextFieldProps {
  label: string;
  name: string;
  problem?: string | undefined;
  value: string;
  onChange: (value: string) => void;
  attributes: { size: number; placeholder?: string } | { type: 'number'; min: number };
}

function TextField({ label: text, name, problem, value, onChange, attributes: own }: TextFieldProps) {
  return (
    <Field label={text} name={name} problem={problem}>
      {(attributes) => (
        <input
          {...attributes}
          {...own}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** Parses weights such as `8=10, 9=5`. The engine refuses numbers that are out of range. */
function weightsOf(text: string): Record<string, number> {
  const parts = text
    .replace(/\s*=\s*/g, '=')
    .replace(/\s*%/g, '')
    .split(/[\s,]+/)
    .filter(Boolean);
  return Object.fromEntries(
    parts.map((part) => {
      const [, version, share] = /^(\d+)=(\d+)$/.exec(part) ?? [];
      if (version === undefined) {
        throw new Error(`weights must read version=percent, such as "8=10, 9=5", not "${part}"`);
      }
      return [version, Number(share)];
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
