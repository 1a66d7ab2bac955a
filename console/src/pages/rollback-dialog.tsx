import { call } from '../api/request.js';
import { Dialog } from '../parts/dialog.js';
import { Form } from '../parts/form.js';
import { showMessage } from '../parts/messages.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { differencesOf } from '../settings-difference.js';
import { brief } from '../text.js';
import type { SettingsReply } from '../types.js';
import { useResource } from '../use-resource.js';

interface RollbackDialogProps {
  name: string;
  /** The version that calls without a version run now. */
  from: number;
  to: number;
  /**
   * The version that the rollback would be deployed after; null if the alias `live` is moved
   * instead.
   */
  newest: number | null;
  onClose(): void;
  onDone(): void;
}

/** Shows the changes of a rollback before it is performed. */
export function RollbackDialog({ name, from, to, newest, onClose, onDone }: RollbackDialogProps) {
  const fn = `/v1/functions/${encodeURIComponent(name)}`;
  const path = `${fn}/settings`;
  const read = (version: number, signal: AbortSignal) =>
    call<SettingsReply>('GET', path, { query: { version }, signal });
  const both = useResource(`${path} ${from} ${to}`, async (signal) => {
    const [now, later] = await Promise.all([read(from, signal), read(to, signal)]);
    return { now, later };
  });
  const rollBack = async () => {
    if (newest === null) {
      await call('PUT', `${fn}/aliases/live`, { json: { version: to } });
      showMessage('done', `${name}@live is version ${to} again.`);
    } else {
      const { message } = await call<{ message: string }>('POST', `${fn}/rollback`, {
        json: { version: to },
      });
      showMessage('done', message);
    }
    onDone();
  };
  return (
    <Dialog title={`Roll ${name} back to version ${to}?`} onClose={onClose}>
      <p>
        {newest === null
          ? `The alias "live" goes from version ${from} to version ${to}, for all calls that name no version. No version is made.`
          : `Module and settings of version ${to} become a new version, ${newest + 1}; version ${from} stays.`}
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
                {
                  name: 'Setting',
                  isTitle: true,
                  isWide: true,
                  cell: ({ key }) => <code>{brief(key, 80)}</code>,
                },
                { name: `Now (${from})`, cell: ({ now: value }) => <code>{brief(value, 120)}</code> },
                { name: `Then (${to})`, cell: ({ after: value }) => <code>{brief(value, 120)}</code> },
              ]}
            />
          );
        }}
      </ResourceView>
      <Form
        label="Roll back"
        submit={`Roll back to ${to}`}
        onSubmit={rollBack}
        buttons={
          <button type="button" onClick={onClose}>
            Close
          </button>
        }
      />
    </Dialog>
  );
}
