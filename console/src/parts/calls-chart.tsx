import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { count } from '../text.js';
import type { Minute } from '../types.js';

const HEIGHT = 190;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/**
 * A chart of the calls per minute as bars, with failed calls in front, and of their durations as
 * lines on a second axis.
 */
export function CallsChart({ minutes }: { minutes: readonly Minute[] }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const data = toData(minutes);
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(optionsFor(element), latest.current, element);
    };
    draw();
    const sizes = new ResizeObserver(() => {
      if (element.clientWidth !== chart.current?.width) draw();
    });
    sizes.observe(element);
    // A canvas does not apply style sheets, so a change of colours requires a redraw.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      sizes.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    chart.current?.setData(data);
  });

  const calls = minutes.reduce((sum, { accepted }) => sum + accepted, 0);
  const failed = minutes.reduce((sum, minute) => sum + failures(minute), 0);
  return (
    <div
      class="chart"
      ref={box}
      role="img"
      aria-label={`${count(calls)} calls in ${minutes.length} minutes, ${count(failed)} of them failed`}
    />
  );
}

/** Formats a time in seconds; null while the pointer is outside the chart. */
function clock(at: number | null | undefined): string {
  return Number.isFinite(at) ? CLOCK.format(Number(at) * 1000) : '–';
}

function failures({ error, timeout, dead }: Minute): number {
  return error + timeout + dead;
}

function toData(minutes: readonly Minute[]): uPlot.AlignedData {
  return [
    minutes.map(({ minute }) => Date.parse(minute) / 1000),
    minutes.map(({ accepted }) => accepted),
    minutes.map(failures),
    minutes.map(({ p50_ms }) => p50_ms),
    minutes.map(({ p95_ms }) => p95_ms),
  ];
}

function optionsFor(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const bars = uPlot.paths.bars?.({ size: [0.8, 24] });
  const axis = {
    stroke: colour('--faint'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  // By default, uPlot formats numbers for the locale of the browser, unlike the rest of the page.
  const value = (_plot: uPlot, figure: number | null) => (typeof figure === 'number' ? count(figure) : '–');
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 4, 0, 0],
    cursor: { points: { size: 5 } },
    scales: {
      calls: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.1)] },
      ms: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        // Wider than the default, for clocks of 12 hours.
        space: 70,
        values: (_plot, splits) => splits.map(clock),
      },
      { ...axis, scale: 'calls', size: 44, values: (_plot, splits) => splits.map(count) },
      {
        ...axis,
        scale: 'ms',
        side: 1,
        size: 58,
        grid: { show: false },
        values: (_plot, splits) => splits.map((ms) => `${count(ms)} ms`),
      },
    ],
    series: [
      { value: (_plot, at) => clock(at) },
      {
        label: 'calls',
        value,
        scale: 'calls',
        fill: colour('--bar'),
        ...(bars ? { paths: bars } : {}),
        points: { show: false },
      },
      {
        label: 'failed',
        value,
        scale: 'calls',
        fill: colour('--bad'),
        ...(bars ? { paths: bars } : {}),
        points: { show: false },
      },
      {
        label: 'p50 ms',
        value,
        scale: 'ms',
        stroke: colour('--good'),
        width: 1.5,
        spanGaps: true,
        points: { show: true, size: 4 },
      },
      {
        label: 'p95 ms',
        value,
        scale: 'ms',
        stroke: colour('--warn'),
        width: 1.5,
        spanGaps: true,
        points: { show: true, size: 4 },
      },
    ],
  };
}
