import type { ExecutionContext } from 'ava';
import { closedGate } from './gate.js';
import { httpServer } from './http-server.js';
import type { Command } from './probe.js';

/** A server that answers nothing until it is opened, and everything afterwards. */
export interface GateServer {
  /** A command of the probe guest that waits for the gate; the engine needs EGRESS_ALLOW. */
  readonly wait: Command;
  /** Number of guests that wait or have waited. */
  readonly visitors: () => number;
  open(): void;
}

/** Starts a gate: guests run until it is opened, however slow the machine is. */
export async function gateServer(t: ExecutionContext): Promise<GateServer> {
  const { opened, open } = closedGate();
  let visitors = 0;
  const server = await httpServer((_, response) => {
    visitors += 1;
    void opened.then(() => response.end('open'));
  });
  t.teardown(server.close);
  return { wait: { op: 'fetch', a: 'GET', b: server.url }, visitors: () => visitors, open };
}
