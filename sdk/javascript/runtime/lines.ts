// Maps lines of the bundle to source lines. `orama function build` puts this table in front of the
// bundle (src/cli/build/javascript/line-table.ts).

/** Sources by number, and the encoded source position of each line of the bundle; see `decode`. */
interface LineTable {
  sources: readonly string[];
  lines: string;
}

/** Positions in the bundle, which is compiled under this name. */
const FRAME = /function\.js:(\d+)(?::\d+)?/g;
/** Frames of the runtime, which are not useful to the author of a function. */
const OWN_FRAME = /^.*\(orama:.*\n?/gm;

let table: LineTable = { sources: [], lines: '' };
let decoded: string[] | null = null;

export function setLineTable(sources: readonly string[], lines: string): void {
  table = { sources, lines };
  decoded = null;
}

/** Replaces positions in the bundle by positions in the sources. */
export function mapStack(stack: string): string {
  const theirs = stack.replace(OWN_FRAME, '');
  if (table.lines === '') return theirs;
  return theirs.replace(FRAME, (frame, line: string) => {
    decoded ??= decode(table);
    return decoded[Number(line) - 1] || frame;
  });
}

/**
 * One entry per line: `.` for the line after that of the previous entry, `,` for no source,
 * otherwise `source:line;` in base 36, with an empty source if it is unchanged.
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
