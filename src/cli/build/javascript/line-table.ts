import { SourceMap, type SourceMapPayload } from 'node:module';

/**
 * What places in the bundle are called in a stack is read from this by the runtime
 * (sdk/javascript/runtime/lines.ts).
 */
export interface LineTable {
  sources: string[];
  lines: string;
}

/**
 * A table much larger than the code that a person writes is not worth its memory in every function.
 */
const MAX_TABLE_BYTES = 128 * 1024;

/**
 * For each line of the bundle where it comes from: `.` for the line after the last entry's, `,` for
 * nowhere, else `source:line;` in base 36, with an empty source for the same one as before. Of a
 * large bundle only the function's own sources.
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
