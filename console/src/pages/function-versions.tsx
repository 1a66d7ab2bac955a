import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Actor } from '../parts/actor.js';
import { Commit } from '../parts/commit.js';
import { Age } from '../parts/moment.js';
import { ResourceView } from '../parts/resource-view.js';
import { type Column, Table } from '../parts/table.js';
import { Link } from '../router.js';
import { brief, label, plural } from '../text.js';
import type { AliasesReply, FunctionRecord, Rollout, VersionsReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { useRollout } from './function-rollout.js';
import { RollbackDialog } from './rollback-dialog.js';

/** For deploys, and for the steps of a rollout, which change the shares of the versions. */
const LIVE_MS = 5000;

type Alias = AliasesReply['aliases'][number];

interface Found {
  versions: readonly FunctionRecord[];
  aliases: readonly Alias[];
}

interface VersionsProps {
  name: string;
  /** The newest version. */
  version: number;
  onChange(): void;
}

export function Versions({ name, version, onChange }: VersionsProps) {
  const path = `/v1/functions/${encodeURIComponent(name)}`;
  const load = async (signal: AbortSignal): Promise<Found> => {
    const [{ versions }, { aliases }] = await Promise.all([
      call<VersionsReply>('GET', `${path}/versions`, { signal }),
      call<AliasesReply>('GET', `${path}/aliases`, { signal }),
    ]);
    return { versions, aliases };
  };
  const found = useResource(`${path} versions`, load, LIVE_MS);
  const rollout = useRollout(name, version);
  const [target, setTarget] = useState<number | null>(null);
  const newest = found.data?.versions[0]?.version;
  const live = found.data?.aliases.find(({ alias }) => alias === 'live')?.version;
  const serving = live ?? newest;
  return (
    <>
      <ResourceView of={rollout} what="the rollout">
        {(data) => data?.state === 'running' && <RolloutNotice of={data} name={name} />}
      </ResourceView>
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

function RolloutNotice({ of: rollout, name }: { of: Rollout; name: string }) {
  return (
    <p class="notice" role="status">
      A rollout sends {rollout.percent} % of the calls to version {rollout.to}, the others to version{' '}
      {rollout.from}: {plural(rollout.calls, 'call')} in this step, {plural(rollout.errors, 'error')}, at most{' '}
      {rollout.max_error_percent} % of them.{' '}
      <Link to={`/functions/${encodeURIComponent(name)}`}>Show it</Link>
    </p>
  );
}

function columns(
  aliases: readonly Alias[],
  serving: number | undefined,
  rollBack: (to: number) => void,
): readonly Column<FunctionRecord>[] {
  return [
    { name: 'Version', isNumber: true, cell: ({ version }) => version },
    {
      name: 'Aliases',
      cell: ({ version }) => {
        const shares = sharesOf(version, aliases);
        return shares.length > 0 && <span class="names">{label(shares.join(', '))}</span>;
      },
    },
    {
      name: 'Change',
      isWide: true,
      cell: ({ message }) => message !== null && <span class="prose">{brief(message, 500)}</span>,
    },
    { name: 'Commit', cell: ({ git_commit: commit }) => commit !== null && <Commit of={commit} /> },
    { name: 'Deployed', cell: ({ updated_at: at }) => <Age at={at} /> },
    { name: 'By', cell: ({ created_by: by, created_by_name: key }) => <Actor of={by} name={key} /> },
    {
      name: 'Module',
      cell: ({ wasm_cid: cid }) => <code title={brief(cid)}>{brief(cid, 12)}</code>,
    },
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
