import { call } from '../api/request.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { leavesOf } from '../settings-difference.js';
import { brief } from '../text.js';
import type { SettingsReply } from '../types.js';
import { useResource } from '../use-resource.js';

/** The settings of the newest version, including `env` and the rest of function.yaml. */
export function SettingsPanel({ name, version }: { name: string; version: number }) {
  const path = `/v1/functions/${encodeURIComponent(name)}/settings`;
  const settings = useResource(`${path} ${version}`, (signal) =>
    call<SettingsReply>('GET', path, { query: { version }, signal }),
  );
  return (
    <Panel title={`Settings of version ${version}`}>
      <ResourceView of={settings} what="the settings">
        {({ settings: of }) => (
          <Table
            label="Settings"
            rows={[...leavesOf(of)]}
            keyOf={([key]) => key}
            columns={[
              {
                name: 'Setting',
                isTitle: true,
                cell: ([key]) => <code title={brief(key, 2000)}>{brief(key, 48)}</code>,
              },
              {
                name: 'Value',
                isWide: true,
                cell: ([, value]) => <code title={brief(value, 2000)}>{brief(value)}</code>,
              },
            ]}
          />
        )}
      </ResourceView>
    </Panel>
  );
}
