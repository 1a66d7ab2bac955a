import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { endProcess } from './server-process.js';
import { findServer } from './servers.js';

export const findRqlited = (): string | null => findServer('rqlite', 'TEST_RQLITED', 'rqlited');

interface RqliteNode {
  id: string;
  url: string;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Suspends the server: connections stay open, but it does not respond. */
  freeze(): void;
  thaw(): void;
  start(): Promise<void>;
}

export interface RqliteCluster {
  /** Directory with the data of all nodes. */
  directory: string;
  nodes: RqliteNode[];
  urls: string[];
  /** Resolves with the current leader. */
  leader(): Promise<RqliteNode>;
  close(): Promise<void>;
}

/**
 * Starts a cluster on free loopback ports with its data in a temporary directory. Resolves when it
 * is ready.
 */
export async function startRqlite(binary: string, size = 1): Promise<RqliteCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'orama-rqlite-'));
  const places = await Promise.all(
    Array.from({ length: size }, async () => ({ http: await freePort(), raft: await freePort() })),
  );
  const join_ = places.map(({ raft }) => `127.0.0.1:${raft}`).join(',');

  const nodes = places.map(({ http, raft }, at): RqliteNode => {
    const id = `n${at + 1}`;
    let running: ChildProcess | null = null;
    return {
      id,
      url: `http://127.0.0.1:${http}`,
      async start() {
        const cluster = size > 1 ? ['-bootstrap-expect', String(size), '-join', join_] : [];
        running = spawn(
          binary,
          [
            ...['-node-id', id, '-http-addr', `127.0.0.1:${http}`, '-raft-addr', `127.0.0.1:${raft}`],
            ...['-raft-log-level', 'ERROR', ...cluster, join(directory, id)],
          ],
          { stdio: 'ignore' },
        );
      },
      freeze: () => void running?.kill('SIGSTOP'),
      thaw: () => void running?.kill('SIGCONT'),
      async kill(signal) {
        const process = running;
        running = null;
        if (process !== null) await endProcess(process, signal);
      },
    };
  });

  const close = async () => {
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    for (const node of nodes) await ready(node.url);
  } catch (error) {
    await close();
    throw error;
  }
  return { directory, nodes, urls: nodes.map(({ url }) => url), leader: () => leaderOf(nodes), close };
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(`the rqlite node at ${url} did not become ready in a minute`);
}

async function leaderOf(nodes: readonly RqliteNode[]): Promise<RqliteNode> {
  for (let tries = 0; tries < 300; tries += 1) {
    for (const node of nodes) {
      const answer = await fetch(`${node.url}/nodes`, { signal: AbortSignal.timeout(2_000) }).catch(
        () => null,
      );
      const known = answer?.ok ? ((await answer.json()) as Record<string, { leader?: boolean }>) : {};
      const leader = nodes.find(({ id }) => known[id]?.leader === true);
      if (leader !== undefined) return leader;
    }
    await sleep(100);
  }
  throw new Error('the rqlite cluster has had no leader for half a minute');
}
