import { cut, label } from '../text.js';
import type { LogRecord } from '../types.js';
import { Moment } from './moment.js';
import { ScrollArea } from './scroll-area.js';

/** The maximum number of lines in the page; older lines are dropped. */
const MAX_LINES = 1000;

interface LogViewProps {
  /** Records, oldest first. */
  records: readonly LogRecord[];
  /** Whether new records are appended while the view is open. */
  isLive?: boolean;
  link?(record: LogRecord): preact.ComponentChildren;
}

export function LogView({ records, isLive = false, link }: LogViewProps) {
  const lines = records.flatMap((record) =>
    record.messages.map((message, index) => ({ record, message, index })),
  );
  const left = lines.length - MAX_LINES;
  return (
    <>
      {left > 0 && (
        <p class="faint">
          The last {MAX_LINES} lines; {left} older ones are in the API.
        </p>
      )}
      <ScrollArea class="log" label="Log lines" followsEnd={isLive}>
        {lines.slice(-MAX_LINES).map(({ record, message, index }) => (
          <p key={`${record.request_id} ${record.attempt} ${index}`} class={`line level-${message.level}`}>
            <Moment at={message.timestamp} short /> <span class="level">{label(message.level)}</span>{' '}
            {link?.(record)} <span class="said">{cut(message.message)}</span>
          </p>
        ))}
      </ScrollArea>
    </>
  );
}
