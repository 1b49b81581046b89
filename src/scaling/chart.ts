/** A line chart as SVG text. Colours come from the page's custom properties, so it follows light and dark. */

export interface ChartLine {
  readonly name: string;
  /** Class of the line: `c0`, `c1`, .. for a colour, `ideal` for the dashed one. */
  readonly style: string;
  /** x and y, x ascending. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Chart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Where the axis has its ticks. */
  readonly xTicks: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly showValue: (y: number) => string;
}

const WIDTH = 760;
const HEIGHT = 400;
const LEFT = 56;
const RIGHT = 190;
const TOP = 16;
const BOTTOM = 46;
/** Least distance between two names at the right. */
const NAME_HEIGHT = 18;

/** The chart as one `<svg>` element. */
export function lineChart(chart: Chart): string {
  const most = Math.max(...chart.lines.flatMap((l) => l.points.map(([, y]) => y)), 0);
  const yTicks = ticksTo(most);
  const top = yTicks.at(-1)!;
  const [xLow, xHigh] = [chart.xTicks[0]!, chart.xTicks.at(-1)!];
  const span = Math.max(xHigh - xLow, 1);
  const x = (v: number): number => LEFT + ((v - xLow) / span) * (WIDTH - LEFT - RIGHT);
  const y = (v: number): number => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}">`,
    ...yTicks.map((v) => rule(y(v), String(v))),
    ...shown(chart.xTicks, x).map(
      (v) =>
        `<text class="tick" x="${at(x(v))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${v}</text>`,
    ),
    `<text class="axis" x="${at((LEFT + WIDTH - RIGHT) / 2)}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(chart.xTitle)}</text>`,
    `<text class="axis" transform="translate(14 ${at((TOP + HEIGHT - BOTTOM) / 2)}) rotate(-90)" text-anchor="middle">${escapeHtml(chart.yTitle)}</text>`,
    ...chart.lines.map((l) => line(l, x, y, chart.showValue)),
    ...names(chart.lines, y),
    '</svg>',
  ].join('\n');
}

function rule(y: number, label: string): string {
  return (
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y)}" y2="${at(y)}"/>` +
    `<text class="tick" x="${LEFT - 8}" y="${at(y + 4)}" text-anchor="end">${escapeHtml(label)}</text>`
  );
}

type Scale = (v: number) => number;

function line(l: ChartLine, x: Scale, y: Scale, showValue: (v: number) => string): string {
  const path = l.points.map(([px, py]) => `${at(x(px))},${at(y(py))}`).join(' ');
  const drawn = `<polyline class="line ${l.style}" points="${path}"/>`;
  if (l.style === 'ideal') return drawn;
  const dots = l.points.map(
    ([px, py]) =>
      `<circle class="dot ${l.style}" cx="${at(x(px))}" cy="${at(y(py))}" r="4"><title>${escapeHtml(
        `${l.name}, ${px} thread${px === 1 ? '' : 's'}: ${showValue(py)}`,
      )}</title></circle>`,
  );
  return [drawn, ...dots].join('\n');
}

/** Names behind the ends of the lines, moved apart where ends are close. */
function names(lines: readonly ChartLine[], y: Scale): string[] {
  const ends = lines
    .filter((l) => l.points.length > 0)
    .map((l) => ({ l, from: y(l.points.at(-1)![1]), to: 0 }))
    .sort((a, b) => a.from - b.from);
  ends.forEach((e, i) => {
    e.to = i === 0 ? e.from : Math.max(e.from, ends[i - 1]!.to + NAME_HEIGHT);
  });
  // Those that were pushed below the chart push back.
  let room = HEIGHT - BOTTOM;
  for (const e of ends.toReversed()) {
    e.to = Math.min(e.to, room);
    room = e.to - NAME_HEIGHT;
  }
  const edge = WIDTH - RIGHT;
  return ends.map(
    ({ l, from, to }) =>
      `<line class="lead" x1="${edge + 7}" y1="${at(from)}" x2="${edge + 20}" y2="${at(to)}"/>` +
      `<text class="name ${l.style}" x="${edge + 24}" y="${at(to + 4)}">${escapeHtml(l.name)}</text>`,
  );
}

/** Round steps from 0 to at least `most`, four to eight of them. */
export function ticksTo(most: number): number[] {
  const raw = Math.max(most, 1e-9) / 5;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * unit).find((s) => s >= raw)!;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** Ticks that have room for their number. */
function shown(ticks: readonly number[], x: Scale): number[] {
  let last = Number.NEGATIVE_INFINITY;
  const kept = ticks.filter((v) => {
    const room = x(v) - last >= 22;
    if (room) last = x(v);
    return room;
  });
  return kept;
}

const at = (v: number): string => v.toFixed(1).replace(/\.0$/, '');

/** Text for HTML and its attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
