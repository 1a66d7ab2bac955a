import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Age } from '../parts/moment.js';
import { ResourceView } from '../parts/resource-view.js';
import { type Column, Table } from '../parts/table.js';
import { brief, label } from '../text.js';
import type { AliasesReply, FunctionRecord, VersionsReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { RollbackDialog } from './rollback-dialog.js';

type Alias = AliasesReply['aliases'][number];

interface Found {
  versions: readonly FunctionRecord[];
  aliases: readonly Alias[];
}

export function Versions({ name, onChange }: { name: string; onChange(): void }) {
  const path = `/v1/functions/${encodeURIComponent(name)}`;
  const found = useResource(`${path} versions`, async (signal): Promise<Found> => {
    const [{ versions }, { aliases }] = await Promise.all([
      call<VersionsReply>('GET', `${path}/versions`, { signal }),
      call<AliasesReply>('GET', `${path}/aliases`, { signal }),
    ]);
    return { versions, aliases };
  });
  const [target, setTarget] = useState<number | null>(null);
  const newest = found.data?.versions[0]?.version;
  const live = found.data?.aliases.find(({ alias }) => alias === 'live')?.version;
  const serving = live ?? newest;
  return (
    <>
      <ResourceView of={found} what="the versions">
        {({ versions, aliases }) => (
          <Table
            label="Versions"
            columns={columns(aliases, serving, setTarget)}
            rows={versions}
            keyOf={({ version }) => version}
          />
        )}
      </ResourceView>
      {target !== null && serving !== undefined && newest !== undefined && (
        <RollbackDialog
          name={name}
          from={serving}
          to={target}
          newest={live === undefined ? newest : null}
          onClose={() => setTarget(null)}
          onDone={() => {
            setTarget(null);
            found.reload();
            onChange();
          }}
        />
      )}
    </>
  );
}

function columns(
  aliases: readonly Alias[],
  serving: number | undefined,
  rollBack: (to: number) => void,
): readonly Column<FunctionRecord>[] {
  return [
    { name: 'Version', isNumber: true, cell: ({ version }) => version },
    { name: 'Aliases', cell: ({ version }) => label(sharesOf(version, aliases).join(', ')) },
    { name: 'Deployed', cell: ({ created_at: at }) => <Age at={at} /> },
    { name: 'By', isMinor: true, cell: ({ created_by: by }) => <code>{brief(by, 60)}</code> },
    {
      name: 'Module',
      isWide: true,
      isMinor: true,
      cell: ({ wasm_cid: cid }) => <code title={brief(cid)}>{brief(cid, 20)}</code>,
    },
    { name: 'Memory', isNumber: true, isMinor: true, cell: ({ memory_limit_mb: mb }) => `${mb} MB` },
    { name: 'Timeout', isNumber: true, isMinor: true, cell: ({ timeout_seconds: s }) => `${s} s` },
    {
      name: '',
      cell: ({ version }) =>
        version === serving ? (
          <span class="faint">runs now</span>
        ) : (
          <button
            type="button"
            aria-label={`Roll back to version ${version}`}
            onClick={() => rollBack(version)}
          >
            Roll back…
          </button>
        ),
    },
  ];
}

/** Returns the aliases of a version: `live`, or `live 90 %` if the alias is split. */
function sharesOf(version: number, aliases: readonly Alias[]): string[] {
  return aliases.flatMap(({ alias, version: main, weights }) => {
    const others = Object.values(weights).reduce((sum, share) => sum + share, 0);
    const share = version === main ? 100 - others : weights[String(version)];
    if (share === undefined) return [];
    return share === 100 ? [alias] : [`${alias} ${share} %`];
  });
}
