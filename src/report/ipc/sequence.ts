/** The sequence diagram of an IPC trace: one page without anything from elsewhere. */
import { KERNEL, type SequenceMessage, threadName } from './messages.js';
import type { IpcTrace } from './read.js';

/** Messages drawn; the rest is counted. */
const MOST = 3000;
const COLUMN = 190;
const ROW = 22;
const TOP = 60;

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

const short = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

export function sequencePage(trace: IpcTrace, messages: readonly SequenceMessage[]): string {
  const shown = messages.slice(0, MOST);
  const who = [...new Set([KERNEL, ...shown.flatMap((m) => [m.from, m.to])])].sort((a, b) => a - b);
  const x = new Map(who.map((t, i) => [t, 100 + i * COLUMN]));
  const height = TOP + shown.length * ROW + 30;
  const parts: string[] = [];
  for (const t of who) {
    const at = x.get(t)!;
    parts.push(
      `<line class="life" x1="${at}" y1="${TOP - 15}" x2="${at}" y2="${height - 10}"/>`,
      `<text class="who" x="${at}" y="${TOP - 24}">${escaped(short(threadName(trace, t), 24))}</text>`,
    );
  }
  shown.forEach((m, i) => {
    const y = TOP + i * ROW;
    const from = x.get(m.from)!;
    const to = x.get(m.to)!;
    const kind = m.error ? 'error' : m.reply ? 'reply' : 'request';
    const room = Math.max(24, Math.floor(Math.abs(to - from) / 7));
    const middle = (from + to) / 2;
    const tip = to > from ? -6 : 6;
    parts.push(
      `<g class="${kind}"><title>${escaped(`${m.time.toFixed(3)} ms  ${m.text}`)}</title>`,
      `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}"/>`,
      `<path d="M${to} ${y} l${tip} -4 l0 8 z"/>`,
      `<text x="${middle}" y="${y - 3}">${escaped(short(m.text, room))}</text></g>`,
    );
  });
  const left = messages.length - shown.length;
  return [
    '<!DOCTYPE html>',
    '<html lang="en"><head><meta charset="utf-8"><title>IPC</title><style>',
    'body{font:14px sans-serif;margin:1em}text{font:10px monospace;text-anchor:middle}.who{font-weight:bold}',
    '.life{stroke:#ccc}.request line{stroke:#336}.request path{fill:#336}',
    '.reply line{stroke:#393;stroke-dasharray:4}.reply path{fill:#393}.error line{stroke:#c00}.error path{fill:#c00}',
    '.error text{fill:#c00}g:hover line{stroke-width:3}',
    '</style></head><body><h1>IPC</h1>',
    `<p>${messages.length} messages of ${who.length - 1} threads${left > 0 ? `, the first ${shown.length} shown` : ''}.`,
    'Each arrow shows its time and whole text when pointed at.</p>',
    `<svg width="${200 + who.length * COLUMN}" height="${height}" xmlns="http://www.w3.org/2000/svg">`,
    ...parts,
    '</svg></body></html>',
    '',
  ].join('\n');
}
