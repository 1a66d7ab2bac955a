import { type LogLine, type LogLines, MAX_LINES } from '../log-lines.js';
import { count, label } from '../text.js';
import { Moment } from './moment.js';
import { ScrollArea } from './scroll-area.js';

interface LogViewProps {
  of: LogLines;
  /** Whether new lines are appended while the view is open. */
  isLive?: boolean;
  link?(line: LogLine): preact.ComponentChildren;
}

export function LogView({ of: { lines, dropped }, isLive = false, link }: LogViewProps) {
  return (
    <>
      {dropped > 0 && (
        <p class="faint">
          The last {count(MAX_LINES)} lines; {count(dropped)} older ones are in the API.
        </p>
      )}
      <ScrollArea class="log" label="Log lines" followsEnd={isLive}>
        {lines.map((line) => (
          <p key={line.key} class={`line level-${line.level}`}>
            <Moment at={line.at} short /> <span class="level">{label(line.level)}</span> {link?.(line)}{' '}
            <span class="said">{line.text}</span>
          </p>
        ))}
      </ScrollArea>
    </>
  );
}
