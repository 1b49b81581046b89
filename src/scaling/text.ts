/** Curves as text tables and as JSON. */
import { figure, table } from '../report/figures.js';
import { againstNative, type Curve, figuresOf, type Work } from './curves.js';

export interface ScalingResult {
  /** The command as people would type it. */
  readonly title: string;
  readonly work: Work;
  readonly repeats: number;
  readonly processors: number;
  readonly threads: readonly number[];
  readonly curves: readonly Curve[];
}

/** Seconds, then speed-up with efficiency. */
export function scalingText(r: ScalingResult): string {
  const head = ['', ...r.threads.map((n) => `${n} thread${n === 1 ? '' : 's'}`)];
  const cells = (c: Curve, show: (f: ReturnType<typeof figuresOf>[number]) => string): string[] => {
    const figures = figuresOf(c, r.work);
    return r.threads.map((n) => {
      const f = figures.find((x) => x.threads === n);
      return f ? show(f) : '-';
    });
  };
  const seconds = r.curves.map((c) => [c.name, ...cells(c, (f) => figure(f.seconds))]);
  const gains = r.curves.map((c) => [
    c.name,
    ...cells(c, (f) => `${figure(f.speedUp)} (${percent(f.efficiency)})`),
  ]);
  const parts = [
    `Seconds, median of ${r.repeats}\n\n${table([head, ...seconds])}`,
    `Speed-up (efficiency); ${r.processors} processors\n\n${table([head, ...gains])}`,
  ];
  const native = r.curves.find((c) => c.native);
  const others = r.curves.filter((c) => !c.native);
  if (native && others.length > 0) {
    const rows = others.map((c) => [
      c.name,
      ...r.threads.map((n) => figure(againstNative(c, native, r.work, n))),
    ]);
    parts.push(`Speed-up against that of ${native.name}\n\n${table([head, ...rows])}`);
  }
  const problems = r.curves.filter((c) => c.problem !== '').map((c) => `${c.name}, ${c.problem}`);
  if (problems.length > 0) parts.push(problems.join('\n'));
  return `${parts.join('\n\n')}\n`;
}

export function scalingJson(r: ScalingResult, version: string): string {
  const curves = r.curves.map((c) => ({
    name: c.name,
    native: c.native,
    problem: c.problem === '' ? null : c.problem,
    points: c.points.map((p) => ({
      ...figuresOf(c, r.work).find((f) => f.threads === p.threads),
      samples: p.samples,
    })),
  }));
  return `${JSON.stringify({ format: 'capgrind-scaling-1', capgrind: version, ...r, curves }, null, 1)}\n`;
}

export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
