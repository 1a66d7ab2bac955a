/**
 * Interval of heartbeats on streams and sockets: proxies close idle connections, and clients
 * reconnect when they have heard nothing for 45 s.
 */
export const HEARTBEAT_MS = 15_000;
