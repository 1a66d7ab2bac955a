import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

export interface Zone {
  [name: string]: { v4?: string; silent?: 'v6' | 'both' };
}

export interface NameServer {
  /** As `address:port`. */
  address: string;
  /** The names of the queries for IPv4 addresses, in order. */
  queried: string[];
}

const TYPE_A = 1;
const NXDOMAIN = 3;

/** Starts a name server on loopback. Names that are not in the zone do not exist. */
export async function nameServer(t: ExecutionContext, zone: Zone): Promise<NameServer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const queried: string[] = [];
  socket.on('message', (query, from) => {
    const { name, type, question } = parse(query);
    if (type === TYPE_A) queried.push(name);
    const record = zone[name];
    if (record?.silent === 'both' || (record?.silent === 'v6' && type !== TYPE_A)) return;
    const address = type === TYPE_A ? record?.v4 : undefined;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (record === undefined ? NXDOMAIN : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(address === undefined ? 0 : 1, 6);
    socket.send(
      Buffer.concat([header, question, ...(address === undefined ? [] : [answer(address)])]),
      from.port,
      from.address,
    );
  });
  return { address: `127.0.0.1:${socket.address().port}`, queried };
}

function parse(query: Buffer): { name: string; type: number; question: Buffer } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    question: query.subarray(12, at + 5),
  };
}

/** An A record whose name is that of the question, with a time to live of zero. */
function answer(address: string): Buffer {
  const head = Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4]);
  return Buffer.concat([head, Buffer.from(address.split('.').map(Number))]);
}
