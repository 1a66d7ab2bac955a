import { SourceMap, type SourceMapPayload } from 'node:module';

/**
 * Maps lines of the bundle to source lines. The runtime reads it to translate stack traces
 * (sdk/javascript/runtime/lines.ts).
 */
export interface LineTable {
  sources: string[];
  lines: string;
}

/** Maximum size of a table. A larger one does not justify its memory in every function. */
const MAX_TABLE_BYTES = 128 * 1024;

/**
 * Encodes the source position of each line of the bundle: `.` for the line after that of the
 * previous entry, `,` for none, otherwise `source:line;` in base 36, with an empty source if it is
 * unchanged. If the table of a large bundle exceeds the limit, only the function's own sources are
 * included.
 */
export function lineTable(bundle: string, mapJson: string): LineTable {
  const all = writeTable(bundle, mapJson, () => true);
  if (all.lines.length <= MAX_TABLE_BYTES) return all;
  const own = writeTable(bundle, mapJson, (source) => !source.includes('node_modules/'));
  return own.lines.length <= MAX_TABLE_BYTES ? own : { sources: [], lines: '' };
}

function writeTable(bundle: string, mapJson: string, isWanted: (source: string) => boolean): LineTable {
  const map = new SourceMap(JSON.parse(mapJson) as SourceMapPayload);
  const sources: string[] = [];
  const numbers = new Map<string, number>();
  let lines = '';
  let last = { source: -1, line: -1 };
  bundle.split('\n').forEach((text, index) => {
    const found = map.findEntry(index, Math.max(text.search(/\S/), 0));
    if (!('originalSource' in found) || found.generatedLine !== index || !isWanted(found.originalSource)) {
      lines += ',';
      return;
    }
    const line = found.originalLine + 1;
    let source = numbers.get(found.originalSource);
    if (source === undefined) {
      source = sources.push(found.originalSource) - 1;
      numbers.set(found.originalSource, source);
    }
    if (source === last.source && line === last.line + 1) lines += '.';
    else lines += `${source === last.source ? '' : source.toString(36)}:${line.toString(36)};`;
    last = { source, line };
  });
  return { sources, lines };
}
