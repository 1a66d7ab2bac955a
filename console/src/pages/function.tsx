import { useEffect, useRef } from 'preact/hooks';
import { isRefused } from '../api/error.js';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Actor } from '../parts/actor.js';
import { Commit } from '../parts/commit.js';
import { Moment } from '../parts/moment.js';
import { Facts, Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Link, useNavigate } from '../router.js';
import { brief, label } from '../text.js';
import type { FunctionRecord } from '../types.js';
import { useResource } from '../use-resource.js';
import { AliasesPanel } from './function-aliases.js';
import { FunctionInvoke } from './function-invoke.js';
import { FunctionLog } from './function-log.js';
import { FunctionRequest } from './function-request.js';
import { RolloutPanel } from './function-rollout.js';
import { SettingsPanel } from './function-settings.js';
import { TriggersPanel } from './function-triggers.js';
import { Versions } from './function-versions.js';

/** For deploys from elsewhere. */
const LIVE_MS = 5000;

const TABS = [
  ['', 'Overview'],
  ['invoke', 'Invoke'],
  ['request', 'HTTP request'],
  ['triggers', 'Triggers'],
  ['versions', 'Versions'],
  ['log', 'Log'],
] as const;

export const isPart = (tab: string) => TABS.some(([part]) => part === tab);

export function FunctionPage({ name, tab }: { name: string; tab: string }) {
  // Of the page, not of a tab: a function may be deleted while its user looks at another tab.
  const navigate = useNavigate();
  const path = `/v1/functions/${encodeURIComponent(name)}`;
  const fn = useResource(path, (signal) => call<FunctionRecord>('GET', path, { signal }), LIVE_MS);
  // A key that may invoke a function need not be allowed to read its settings.
  const isForbidden = fn.data === undefined && isRefused(fn.error, 403);
  const tabs = useRef<HTMLElement>(null);
  // On a narrow screen the tabs scroll, and the one that is open may be out of sight.
  useEffect(() => {
    tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [tab]);
  return (
    <Page
      title={label(name)}
      part={tab === '' ? undefined : TABS.find(([part]) => part === tab)?.[1]}
      trail={<Link to="/functions">Functions</Link>}
      aside={
        <>
          <Link to={`/invocations?function=${encodeURIComponent(name)}`}>Invocations</Link>
          <Link to={`/?function=${encodeURIComponent(name)}`}>Figures</Link>
        </>
      }
    >
      <nav ref={tabs} class="tabs" aria-label={`Parts of ${label(name)}`}>
        {TABS.map(([part, label]) => (
          <Link
            key={part}
            to={`/functions/${encodeURIComponent(name)}${part === '' ? '' : `/${part}`}`}
            isCurrent={tab === part}
          >
            {label}
          </Link>
        ))}
      </nav>
      {isForbidden && (tab === 'invoke' || tab === 'request') ? (
        <Sender name={name} tab={tab} />
      ) : (
        <ResourceView of={fn} what="this function">
          {(record) => <Part of={record} tab={tab} reload={fn.reload} navigate={navigate} />}
        </ResourceView>
      )}
    </Page>
  );
}

interface PartProps {
  of: FunctionRecord;
  tab: string;
  reload(): void;
  navigate(to: string): void;
}

function Part({ of: record, tab, reload, navigate }: PartProps) {
  switch (tab) {
    case 'invoke':
    case 'request':
      return <Sender name={record.name} tab={tab} />;
    case 'triggers':
      return <TriggersPanel name={record.name} />;
    case 'versions':
      return <Versions name={record.name} version={record.version} onChange={reload} />;
    case 'log':
      return <FunctionLog name={record.name} />;
    default:
      return <Summary of={record} navigate={navigate} />;
  }
}

/** The forms that need only the name of a function. */
function Sender({ name, tab }: { name: string; tab: 'invoke' | 'request' }) {
  return tab === 'invoke' ? <FunctionInvoke name={name} /> : <FunctionRequest name={name} />;
}

function originOf({ message, git_commit: commit }: FunctionRecord) {
  return [
    ...(message === null ? [] : [['Change', brief(message, 500)] as const]),
    ...(commit === null ? [] : [['Commit', <Commit key="commit" of={commit} />] as const]),
  ];
}

function Summary({ of: record, navigate }: Pick<PartProps, 'of' | 'navigate'>) {
  return (
    <>
      <Facts
        of={[
          ['Newest version', record.version],
          ['Access', record.is_public ? 'public' : 'private'],
          ['Memory', `${record.memory_limit_mb} MB`],
          ['Timeout', `${record.timeout_seconds} s`],
          [
            'Retries',
            record.retry_count === 0
              ? 'none'
              : `${record.retry_count}, ${record.retry_delay_seconds} s apart`,
          ],
          ['Start', label(record.warm_start)],
          ['Deployed', <Moment key="at" at={record.updated_at} />],
          ['By', <Actor key="by" of={record.created_by} name={record.created_by_name} />],
          ...originOf(record),
          ['Module', <code key="cid">{label(record.wasm_cid)}</code>],
        ]}
      />
      <AliasesPanel name={record.name} newest={record.version} />
      <RolloutPanel name={record.name} newest={record.version} />
      <SettingsPanel name={record.name} version={record.version} />
      <Panel title="Delete">
        <p>
          Its versions and triggers are deleted and its waiting invocations are cancelled. Its logs remain.
        </p>
        <Action
          label="Delete the function"
          class="danger"
          confirm={{
            title: `Delete ${label(record.name)}?`,
            text: `All versions and triggers of "${label(record.name)}" in namespace "${label(record.namespace)}" are deleted, and its waiting invocations are cancelled.`,
            label: `Delete ${label(record.name)}`,
          }}
          run={async () => {
            await call('DELETE', `/v1/functions/${encodeURIComponent(record.name)}`);
            navigate('/functions');
            return `Deleted ${label(record.name)}.`;
          }}
        />
      </Panel>
    </>
  );
}
