import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { queryText } from '../api/request.js';
import { Pager } from '../parts/pager.js';
import { ResourceView } from '../parts/resource-view.js';
import type { InvocationsReply } from '../types.js';
import { type Live, useLive } from '../use-live.js';
import { type Resource, useResource } from '../use-resource.js';
import {
  type InvocationFilter,
  InvocationTable,
  listInvocations,
  type Selection,
} from './invocation-table.js';

const PAGE = 50;

export interface InvocationPages {
  page: Resource<InvocationsReply>;
  isConnected: boolean;
  /** Whether this is the first page, which is updated live. Other pages are not updated. */
  isFirst: boolean;
  number: number;
  newer(): void;
  older(cursor: string): void;
}

/** Loads the page of the list that the URL and the pager select. */
export function useInvocations(filter: InvocationFilter, isPaused = false): InvocationPages {
  const key = JSON.stringify(filter);
  const [at, setAt] = useState<{ key: string; cursors: readonly string[] }>({ key, cursors: [] });
  // A change of filters returns to the first page.
  const cursors = at.key === key ? at.cursors : [];
  const setCursors = (next: readonly string[]) => setAt({ key, cursors: next });
  const cursor = cursors.at(-1);
  const isFirst = cursor === undefined;
  const isLive = isFirst && !isPaused;
  const live: Live<InvocationsReply> = useLive(isLive ? followPath({ ...filter, limit: PAGE }) : null);
  const still = useResource(isLive ? null : `invocations ${key} ${cursor ?? ''}`, (signal) =>
    listInvocations({ ...filter, cursor, limit: PAGE }, signal),
  );
  return {
    page: isLive ? live : still,
    isConnected: isLive && live.isConnected,
    isFirst,
    number: cursors.length + 1,
    newer: () => setCursors(cursors.slice(0, -1)),
    older: (next) => setCursors([...cursors, next]),
  };
}

/** Returns the API path that follows the first page of a list. */
export function followPath(filter: InvocationFilter): string {
  return `/v1/invocations${queryText({ ...filter, follow: true })}`;
}

interface InvocationListProps {
  label: string;
  of: InvocationPages;
  empty: ComponentChildren;
  selection?: Selection;
}

export function InvocationList({ label, of, empty, selection }: InvocationListProps) {
  const name = label.toLowerCase();
  return (
    <ResourceView
      of={of.page}
      what={`the ${name}`}
      isEmpty={({ invocations }) => invocations.length === 0 && of.isFirst}
      empty={empty}
    >
      {({ invocations, next_cursor: next }) => (
        <>
          <InvocationTable
            label={label}
            invocations={invocations}
            {...(selection === undefined ? {} : { selection })}
          />
          <Pager label={name} number={of.number} next={next} newer={of.newer} older={of.older} />
        </>
      )}
    </ResourceView>
  );
}
