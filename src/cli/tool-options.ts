/** Options of tools: what a command line gives, checked against what the tool says of them, and their help. */
import type { Tool, ToolOption } from '../tools/api.js';
import { UsageError } from './option-values.js';

/** The tool's options with defaults; an option that nobody knows or a value that it cannot have is a UsageError. */
export function toolOptions(tool: Tool, given: Readonly<Record<string, string>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, def] of Object.entries(tool.options)) out[name] = def.default;
  for (const [key, value] of Object.entries(given)) {
    const [first, second] = key.split(':') as [string, string | undefined];
    // `toolname:option` is for one tool only and nothing to the others.
    if (second !== undefined && first !== tool.name) continue;
    const name = second ?? first;
    const option = Object.hasOwn(tool.options, name) ? tool.options[name] : undefined;
    if (!option) throw new UsageError(`Unknown option: --${key}`);
    const may = valuesOf(option);
    if (may !== '' && !isGood(option, value)) throw new UsageError(`Bad option: --${key}=${value} (${may})`);
    out[name] = value;
  }
  return out;
}

function isGood(o: ToolOption, value: string): boolean {
  if (o.values) return o.values.includes(value);
  if (value === '') return o.default === '';
  const n = Number(value);
  return /^\d+$/.test(value) && n >= o.range![0] && n <= o.range![1];
}

/** What an option may be, in words; empty for any text. */
function valuesOf(o: ToolOption): string {
  if (o.values) return o.values.join(', ');
  return o.range ? `a whole number from ${o.range[0]} to ${o.range[1]}` : '';
}

/** The tool's part of --help, empty for a tool without options. */
export function toolHelp(tool: Tool): string {
  const names = Object.keys(tool.options);
  if (names.length === 0) return '';
  const width = Math.max(...names.map((n) => n.length)) + 10;
  const lines = Object.entries(tool.options).map(([name, o]) => {
    const may = o.values?.join('|') ?? '';
    const facts = [may, o.default === '' ? '' : `default: ${o.default}`].filter((f) => f !== '');
    const tail = facts.length > 0 ? ` [${facts.join('; ')}]` : '';
    return wrapped(`      --${name}`.padEnd(width), o.describe + tail);
  });
  return `\nOptions of ${tool.name}:\n${lines.join('\n')}\n`;
}

/** A head and words behind it, in lines of at most 100 columns. */
function wrapped(head: string, text: string): string {
  const lines = [head];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    const line = lines[last]!;
    const glue = line.length > head.length ? ' ' : '';
    if (line.length + glue.length + word.length <= 100) lines[last] = line + glue + word;
    else lines.push(' '.repeat(head.length) + word);
  }
  return lines.join('\n');
}
