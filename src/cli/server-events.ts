/** One event of a `text/event-stream` (HTML standard, Server-sent events). */
export interface ServerEvent {
  id: string | undefined;
  event: string;
  /** Undefined in an event that only sets the id from which to resume. */
  data: string | undefined;
}

/** Parses server-sent events as they arrive. Comments, which serve as keep-alives, are skipped. */
export async function* readEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== undefined) yield event;
    }
  }
}

function parseEvent(block: string): ServerEvent | undefined {
  const data: string[] = [];
  let id: string | undefined;
  let event = 'message';
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'data') data.push(value ?? '');
    else if (field === 'id') id = value;
    else if (field === 'event') event = value ?? event;
  }
  if (data.length === 0) return id === undefined ? undefined : { id, event, data: undefined };
  return { id, event, data: data.join('\n') };
}
