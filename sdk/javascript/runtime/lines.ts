// Where a line of the bundle comes from. `orama function build` puts this table before the bundle (write-lines.ts).

/** Sources by number, and for each line of the bundle where it comes from: see `decode`. */
interface LineTable {
  sources: readonly string[];
  lines: string;
}

/** Places in the bundle, which is compiled under this name. */
const FRAME = /function\.js:(\d+)(?::\d+)?/g;
/** Frames of the runtime itself say nothing to who wrote the function. */
const OWN_FRAME = /^.*\(orama:.*\n?/gm;

let table: LineTable = { sources: [], lines: '' };
let decoded: string[] | null = null;

export function setLineTable(sources: readonly string[], lines: string): void {
  table = { sources, lines };
  decoded = null;
}

/** A stack with the places in the bundle as places in the sources. */
export function mapStack(stack: string): string {
  const theirs = stack.replace(OWN_FRAME, '');
  if (table.lines === '') return theirs;
  return theirs.replace(FRAME, (frame, line: string) => {
    decoded ??= decode(table);
    return decoded[Number(line) - 1] || frame;
  });
}

/**
 * One entry for each line: `.` for the line after the last entry's, `,` for no source, else `source:line;` in base 36 with
 * an empty source for the same one.
 */
function decode({ sources, lines }: LineTable): string[] {
  const places: string[] = [];
  let source = 0;
  let line = 0;
  for (let at = 0; at < lines.length; at++) {
    const mark = lines[at];
    if (mark === ',') {
      places.push('');
      continue;
    }
    if (mark === '.') line++;
    else {
      const end = lines.indexOf(';', at);
      const [from = '', number = ''] = lines.slice(at, end).split(':');
      if (from !== '') source = Number.parseInt(from, 36);
      line = Number.parseInt(number, 36);
      at = end;
    }
    places.push(`${sources[source]}:${line}`);
  }
  return places;
}
