/**
 * Headers that concern one connection (RFC 9110 §7.6.1) or the framing of one message. The engine
 * sets them itself, on every side.
 */
export const CONNECTION_HEADERS = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;
