import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Dialog } from '../parts/dialog.js';
import { Form } from '../parts/form.js';
import { tell } from '../parts/messages.js';
import { Age } from '../parts/moment.js';
import { ResourceView } from '../parts/resource-view.js';
import { type Column, Table } from '../parts/table.js';
import { differencesOf } from '../settings-difference.js';
import { brief } from '../text.js';
import type { FunctionRecord, SettingsReply, VersionsReply } from '../types.js';
import { useResource } from '../use-resource.js';

export function Versions({ name, onChange }: { name: string; onChange(): void }) {
  const path = `/v1/functions/${name}/versions`;
  const versions = useResource(path, (signal) => call<VersionsReply>('GET', path, { signal }));
  const [target, setTarget] = useState<FunctionRecord | null>(null);
  const newest = versions.data?.versions[0];
  return (
    <>
      <ResourceView of={versions} what="the versions">
        {({ versions: all }) => (
          <Table
            label="Versions"
            columns={columns(newest, setTarget)}
            rows={all}
            keyOf={({ version }) => version}
          />
        )}
      </ResourceView>
      {target !== null && newest !== undefined && (
        <Rollback
          to={target}
          from={newest}
          onClose={() => setTarget(null)}
          onDone={() => {
            setTarget(null);
            versions.reload();
            onChange();
          }}
        />
      )}
    </>
  );
}

function columns(
  newest: FunctionRecord | undefined,
  rollBack: (to: FunctionRecord) => void,
): readonly Column<FunctionRecord>[] {
  return [
    { name: 'Version', isNumber: true, cell: ({ version }) => version },
    { name: 'Deployed', cell: ({ created_at: at }) => <Age at={at} /> },
    { name: 'By', isMinor: true, cell: ({ created_by: by }) => <code>{brief(by, 60)}</code> },
    {
      name: 'Module',
      isWide: true,
      isMinor: true,
      cell: ({ wasm_cid: cid }) => <code title={cid}>{cid.slice(0, 20)}…</code>,
    },
    { name: 'Memory', isNumber: true, isMinor: true, cell: ({ memory_limit_mb: mb }) => `${mb} MB` },
    { name: 'Timeout', isNumber: true, isMinor: true, cell: ({ timeout_seconds: s }) => `${s} s` },
    {
      name: '',
      cell: (record) =>
        newest !== undefined && record !== newest ? (
          <button
            type="button"
            aria-label={`Roll back to version ${record.version}`}
            onClick={() => rollBack(record)}
          >
            Roll back…
          </button>
        ) : (
          <span class="faint">newest</span>
        ),
    },
  ];
}

interface RollbackProps {
  from: FunctionRecord;
  to: FunctionRecord;
  onClose(): void;
  onDone(): void;
}

/** Says what would change before anything does. */
function Rollback({ from, to, onClose, onDone }: RollbackProps) {
  const path = `/v1/functions/${from.name}/settings`;
  const read = (version: number, signal: AbortSignal) =>
    call<SettingsReply>('GET', path, { query: { version }, signal });
  const both = useResource(`${path} ${from.version} ${to.version}`, async (signal) => {
    const [now, later] = await Promise.all([read(from.version, signal), read(to.version, signal)]);
    return { now, later };
  });
  const rollBack = async () => {
    const { message } = await call<{ message: string }>('POST', `/v1/functions/${from.name}/rollback`, {
      json: { version: to.version },
    });
    tell('done', message);
    onDone();
  };
  return (
    <Dialog title={`Roll ${from.name} back to version ${to.version}?`} onClose={onClose}>
      <p>
        Module and settings of version {to.version} become a new version, {from.version + 1}; version{' '}
        {from.version} stays.
      </p>
      <ResourceView of={both} what="the settings of both versions">
        {({ now, later }) => {
          const rows = differencesOf(
            { module: now.wasm_cid, ...now.settings },
            { module: later.wasm_cid, ...later.settings },
          );
          return rows.length === 0 ? (
            <p class="faint">Module and settings of both are the same.</p>
          ) : (
            <Table
              label="What changes"
              rows={rows}
              keyOf={({ key }) => key}
              columns={[
                { name: 'Setting', cell: ({ key }) => <code>{brief(key, 80)}</code> },
                { name: `Now (${from.version})`, cell: ({ now: value }) => <code>{brief(value, 120)}</code> },
                {
                  name: `Then (${to.version})`,
                  cell: ({ after: value }) => <code>{brief(value, 120)}</code>,
                },
              ]}
            />
          );
        }}
      </ResourceView>
      <Form label="Roll back" submit={`Roll back to ${to.version}`} onSubmit={rollBack}>
        <button type="button" onClick={onClose}>
          Keep version {from.version}
        </button>
      </Form>
    </Dialog>
  );
}
