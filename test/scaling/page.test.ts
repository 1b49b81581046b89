/** The page with the curves: complete in itself, its drawing well-formed and inside its frame. */
import test from 'ava';
import fc from 'fast-check';
import { type Chart, lineChart, ticksTo } from '../../src/scaling/chart.js';
import { scalingPage } from '../../src/scaling/page.js';
import type { ScalingResult } from '../../src/scaling/text.js';
import { parseXml, type XmlElement } from '../support/xml.js';

const svg = (chart: Chart): XmlElement =>
  parseXml(`<?xml version="1.0" encoding="UTF-8"?>\n${lineChart(chart)}`);
const all = (e: XmlElement): XmlElement[] => [e, ...e.children.flatMap(all)];

const chart = (lines: Chart['lines'], xTicks = [1, 2, 4]): Chart => ({
  title: 't',
  xTitle: 'x',
  yTitle: 'y',
  xTicks,
  lines,
  showValue: String,
});

test('ticks begin at 0, are even, reach the most and are few', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 1e-4, max: 1e5, noNaN: true }), (most) => {
      const ticks = ticksTo(most);
      t.is(ticks[0], 0);
      t.true(
        ticks.at(-1)! >= most * (1 - 1e-6) && ticks.length >= 3 && ticks.length <= 7,
        `${most}: ${ticks}`,
      );
      t.true(ticks[1]! > 0);
    }),
  );
  t.deepEqual(ticksTo(4), [0, 1, 2, 3, 4]);
  t.deepEqual(ticksTo(0.9), [0, 0.2, 0.4, 0.6, 0.8, 1]);
});

test('a line goes through its points, larger values higher', (t) => {
  const drawn = svg(
    chart([
      {
        name: 'a',
        style: 'c0',
        points: [
          [1, 1],
          [2, 2],
          [4, 4],
        ],
      },
    ]),
  );
  const line = all(drawn).find((e) => e.attributes['class'] === 'line c0')!;
  const points = line.attributes['points']!.split(' ').map((p) => p.split(',').map(Number));
  t.is(points.length, 3);
  const [[x1, y1], [x2, y2], [x4, y4]] = points as [[number, number], [number, number], [number, number]];
  t.true(x1 < x2 && x2 < x4 && y1 > y2 && y2 > y4);
  t.true(Math.abs((x4 - x1) / (x2 - x1) - 3) < 0.01, 'the axis is even');
  t.is(all(drawn).filter((e) => e.name === 'circle').length, 3);
});

test('names at the ends never lie on each other or outside, for any curves', (t) => {
  const value = fc.double({ min: 0, max: 10, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 15 }), (rows) => {
      const lines = rows.map((r, i) => ({
        name: `<${i}> & "x"`,
        style: `c${i}`,
        points: [1, 2, 4].map((x, k) => [x, r[k]!] as const),
      }));
      const drawn = all(svg(chart(lines)));
      const names = drawn.filter((e) => e.attributes['class']?.startsWith('name'));
      t.deepEqual(names.map((e) => e.text).sort(), lines.map((l) => l.name).sort());
      const heights = names.map((e) => Number(e.attributes['y'])).sort((a, b) => a - b);
      t.true(
        heights.every((y, i) => i === 0 || y - heights[i - 1]! >= 17.8),
        `${heights}`,
      );
      t.true(heights[0]! > 0 && heights.at(-1)! < 400, `${heights}`);
      for (const e of drawn) {
        for (const name of ['cx', 'cy', 'y']) {
          if (e.attributes[name] !== undefined)
            t.true(Number(e.attributes[name]) >= 0 && Number(e.attributes[name]) <= 760);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('one number of threads is drawn too', (t) => {
  t.notThrows(() => svg(chart([{ name: 'a', style: 'c0', points: [[1, 1]] }], [1])));
  t.false(lineChart(chart([], [1])).includes('NaN'));
});

test('close ticks keep their distance', (t) => {
  const ticks = [...Array(64).keys()].map((i) => i + 1);
  const drawn = all(svg(chart([{ name: 'a', style: 'c0', points: [[1, 1]] }], ticks)));
  const xs = drawn
    .filter((e) => e.attributes['class'] === 'tick' && e.attributes['text-anchor'] === 'middle')
    .map((e) => Number(e.attributes['x']));
  t.true(xs.length > 10 && xs.every((x, i) => i === 0 || x - xs[i - 1]! >= 21.9), `${xs}`);
});

const result: ScalingResult = {
  title: 'prog <x> {threads}',
  work: 'total',
  repeats: 3,
  processors: 2,
  threads: [1, 2],
  curves: [
    {
      name: 'native & co',
      native: true,
      problem: '',
      points: [
        { threads: 1, samples: [2] },
        { threads: 2, samples: [1] },
      ],
    },
    { name: 'none, restart', native: false, problem: '1 thread: <no> such policy', points: [] },
  ],
};

test('the page needs nothing from elsewhere, and shows every figure, the ideal line, and what did not run', (t) => {
  const page = scalingPage(result, '0.1.0', new Date('2026-01-02T03:04:05Z'));
  t.notRegex(page, /https?:|src=|href=|@import|url\(|<script/);
  t.true(page.includes("default-src 'none'") && page.includes('prefers-color-scheme:dark'));
  t.is(page.match(/<svg /g)?.length, 2);
  t.is(page.match(/class="line ideal"/g)?.length, 1);
  t.true(page.includes('<td>1.00 s<br><small>2.00, 100 %</small></td>'));
  t.true(page.includes('native &amp; co') && page.includes('prog &lt;x&gt; {threads}'));
  t.true(page.includes('<li>none, restart, 1 thread: &lt;no&gt; such policy</li>'));
  t.notRegex(page, /NaN|undefined|Infinity/);
});
