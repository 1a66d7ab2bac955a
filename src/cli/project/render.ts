import type { Terminal } from '../terminal.js';
import { describeChange } from './changes.js';
import type { Plan, PlannedFunction } from './plan.js';

/** Formats what a deploy does, or would do, to each function. */
export function renderPlan(
  { functions, undeclared }: Plan,
  prune: boolean,
  colors: Terminal['colors'],
): string {
  const width = Math.max(
    0,
    ...functions.map(({ name }) => name.length),
    ...(prune ? undeclared.map((name) => name.length) : []),
  );
  const lines = functions.flatMap((one) => [
    paint(one, `${SIGNS[one.action]} ${one.name.padEnd(width)}  ${summary(one)}`, colors),
    ...one.changes.map((change) => `    ${describeChange(change)}`),
  ]);
  const removed = undeclared.map((name) =>
    colors.red(`- ${name.padEnd(width)}  not in the project: removed`),
  );
  const count = undeclared.length;
  const staying =
    count === 0 || prune
      ? []
      : [
          colors.dim(
            `  ${count} not in the project ${count === 1 ? 'stays' : 'stay'} (--prune removes, with --dry-run lists)`,
          ),
        ];
  return [...lines, ...(prune ? removed : staying)].join('\n');
}

const SIGNS = { create: '+', update: '~', none: '=' } as const;

function summary({ action, running, wasm }: PlannedFunction): string {
  switch (action) {
    case 'create':
      return `new (${(wasm.byteLength / 1024).toFixed(1)} KB)`;
    case 'update':
      return `differs from version ${running}`;
    case 'none':
      return `unchanged (version ${running})`;
  }
}

function paint({ action }: PlannedFunction, text: string, colors: Terminal['colors']): string {
  switch (action) {
    case 'create':
      return colors.green(text);
    case 'update':
      return colors.yellow(text);
    case 'none':
      return colors.dim(text);
  }
}
