/** The curves as one HTML page that needs nothing else: no script, no font, no picture from elsewhere. */
import { figure } from '../report/figures.js';
import { type ChartLine, escapeHtml, lineChart } from './chart.js';
import { type Curve, type Figures, figuresOf } from './curves.js';
import { percent, type ScalingResult } from './text.js';

/** Colours by number, for light and dark: apart from each other also for eyes that see few colours. */
const COLOURS = [
  ['#0a63b0', '#6cb2f0'],
  ['#c2410c', '#fb9457'],
  ['#157347', '#5ec98e'],
  ['#8b2fa8', '#d68cf0'],
  ['#8a6d00', '#e0bf45'],
  ['#a3123f', '#f27d9f'],
  ['#4b5563', '#b3bcc9'],
] as const;

export function scalingPage(r: ScalingResult, version: string, made: Date): string {
  const measured = r.curves.map((c) => ({ curve: c, figures: figuresOf(c, r.work) }));
  const lines = (value: (f: Figures) => number): ChartLine[] =>
    measured
      .map(({ curve, figures }, i) => ({
        name: curve.name,
        style: `c${i % COLOURS.length}`,
        points: figures.map((f) => [f.threads, value(f)] as const),
      }))
      .filter((l) => l.points.length > 0);
  const first = r.threads[0] ?? 1;
  const ideal: ChartLine = {
    name: 'ideal',
    style: 'ideal',
    points: r.threads.map((n) => [n, n / first]),
  };
  const common = { xTitle: 'threads', xTicks: r.threads };
  const speedUp = lineChart({
    ...common,
    title: 'Speed-up by number of threads',
    yTitle: 'speed-up',
    lines: [ideal, ...lines((f) => f.speedUp)],
    showValue: (v) => figure(v),
  });
  const seconds = lineChart({
    ...common,
    title: 'Seconds by number of threads',
    yTitle: 'seconds',
    lines: lines((f) => f.seconds),
    showValue: (v) => figure(v, 's'),
  });
  const work =
    r.work === 'total'
      ? 'The program divides the same work among its threads.'
      : 'Each thread adds as much work as the first one has.';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Scaling of ${escapeHtml(r.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Scaling</h1>
<p><code>${escapeHtml(r.title)}</code></p>
<p class="note">Medians of ${r.repeats}, interleaved, on ${r.processors} processors. ${work} capgrind ${escapeHtml(version)}, ${made.toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>
<h2>Speed-up</h2>
${speedUp}
<h2>Time</h2>
${seconds}
<h2>Figures</h2>
${figureTable(r, measured)}
${problems(r.curves)}</main>
</body>
</html>
`;
}

function figureTable(r: ScalingResult, measured: { curve: Curve; figures: Figures[] }[]): string {
  const head = r.threads.map((n) => `<th scope="col">${n} thread${n === 1 ? '' : 's'}</th>`).join('');
  const rows = measured.map(({ curve, figures }, i) => {
    const cells = r.threads.map((n) => {
      const f = figures.find((x) => x.threads === n);
      if (!f) return '<td>-</td>';
      const { seconds, speedUp, efficiency } = f;
      return `<td>${figure(seconds)} s<br><small>${figure(speedUp)}, ${percent(efficiency)}</small></td>`;
    });
    const mark = `<span class="mark c${i % COLOURS.length}"></span>`;
    return `<tr><th scope="row">${mark}${escapeHtml(curve.name)}</th>${cells.join('')}</tr>`;
  });
  return `<p class="note">Seconds; below them speed-up against the fewest threads, and efficiency.</p>
<div class="wide"><table>
<thead><tr><td></td>${head}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`;
}

function problems(curves: readonly Curve[]): string {
  const lines = curves
    .filter((c) => c.problem !== '')
    .map((c) => `<li>${escapeHtml(`${c.name}, ${c.problem}`)}</li>`);
  return lines.length === 0 ? '' : `<h2>What did not run</h2>\n<ul>${lines.join('\n')}</ul>\n`;
}

const variables = (index: 0 | 1): string => COLOURS.map((c, i) => `--c${i}:${c[index]}`).join(';');

const STYLE = `
:root{color-scheme:light dark;--back:#fff;--text:#1c2128;--dim:#59636e;--grid:#dde1e6;${variables(0)}}
@media (prefers-color-scheme:dark){:root{--back:#14181d;--text:#e6e9ed;--dim:#9aa5b1;--grid:#2c333b;${variables(1)}}}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:820px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:26px;margin:0 0 8px}
h2{font-size:18px;margin:32px 0 8px}
p{margin:4px 0}
code{font:14px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.note,small,.tick,.axis{color:var(--dim);fill:var(--dim)}
.note{font-size:14px}
svg{display:block;width:100%;height:auto;font:13px system-ui,sans-serif}
.grid{stroke:var(--grid)}
.lead{stroke:var(--grid)}
.line{fill:none;stroke-width:2.5;stroke-linejoin:round}
.dot{stroke:var(--back);stroke-width:1.5}
.line.ideal{stroke:var(--dim);stroke-width:1.5;stroke-dasharray:5 5}
.name.ideal{fill:var(--dim)}
${COLOURS.map((_, i) => `.line.c${i}{stroke:var(--c${i})}.dot.c${i},.name.c${i}{fill:var(--c${i})}.mark.c${i}{background:var(--c${i})}`).join('\n')}
.mark{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:8px}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:6px 14px 6px 0;border-top:1px solid var(--grid);text-align:right;white-space:nowrap}
thead th,thead td{border-top:0}
th[scope=row]{text-align:left;font-weight:600}
`;
