/**
 * Writes the support pages of the documentation from the tables that the program itself runs by:
 * docs/syscalls.md from kernel/linux/table.ts, docs/isa.md from src/isa/table.ts, docs/l4.md from kernel/l4/protocols,
 * docs/helgrind.md from test/guests/helgrind.json.
 *
 * `node dist/scripts/support-pages.js` writes them; with `--check` it only says which are out of date (exit 1).
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Field } from '../kernel/l4/protocols/fields.js';
import { PROTOCOLS } from '../kernel/l4/protocols/find.js';
import { labelName } from '../kernel/l4/protocols/labels.js';
import type { Op, Protocol } from '../kernel/l4/protocols/types.js';
import { errnoName } from '../kernel/linux/errno.js';
import { ROWS, type Row } from '../kernel/linux/table.js';
import { RVC_ROWS } from '../src/isa/rvc.js';
import { ROWS as ISA_ROWS } from '../src/isa/table.js';
import { helgrindPage } from './helgrind-page.js';

const GENERATED = '<!-- Written by scripts/support-pages.ts: do not edit. -->';

/** docs/syscalls.md. */
export function syscallPage(): string {
  const count = (support: Row['support']) => ROWS.filter((r) => r.support === support).length;
  const lines = [
    GENERATED,
    '# System calls',
    '',
    `Of riscv64 Linux's system calls ${count('full')} are supported, ${count('partial')} with the remark beside`,
    `them, and ${count('refused')} are refused with the error named. A call that is not in this table answers ENOSYS,`,
    'and the first one of each number is reported.',
    '',
    '| number | call | support | remark |',
    '| ---: | --- | --- | --- |',
  ];
  for (const r of ROWS) {
    const support = r.support === 'refused' ? `refused: ${errnoName(r.errno)}` : r.support;
    lines.push(`| ${r.nr} | \`${r.name}\` | ${support} | ${r.note} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** docs/isa.md. */
export function isaPage(): string {
  const groups = new Map<string, string[]>();
  const rows = [
    ...ISA_ROWS.map((r) => [r.ext, r.name] as const),
    ...RVC_ROWS.map((r) => ['C', r.name] as const),
  ];
  for (const [extension, name] of rows) groups.set(extension, [...(groups.get(extension) ?? []), name]);
  const lines = [GENERATED, '# Instructions', '', '| extension | instructions |', '| --- | --- |'];
  for (const [extension, names] of groups) {
    lines.push(`| ${extension} | ${[...new Set(names)].map((name) => `\`${name}\``).join(' ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

const fieldNames = (fields: readonly Field[]): string =>
  fields.map((f) => `${f.name}${f.optional ? '?' : ''}`).join(', ');

/** Arguments, then items in brackets with the rights that the sent capability needs. */
function l4Request(op: Op): string {
  const items = op.items.map(
    (i) => `${i.name}${i.optional ? '?' : ''}${i.rights === '' ? '' : ` ${i.rights}`}`,
  );
  return [fieldNames(op.request), ...(items.length ? [`[${items.join(', ')}]`] : [])]
    .filter((t) => t !== '')
    .join(' ');
}

function l4Answer(op: Op): string {
  if (op.oneWay && op.reply.length === 0) return 'none';
  return [fieldNames(op.reply), ...(op.gives === '' ? [] : [`[${op.gives}]`])]
    .filter((t) => t !== '')
    .join(' ');
}

function l4Code(protocol: Protocol, op: Op): string {
  if (protocol.opcode === 'none') return '';
  if (protocol.name === 'Factory')
    return labelName(op.code)?.replaceAll('_', ' ').toLowerCase() ?? `${op.code}`;
  return protocol.opcode === 'low8' || op.code > 15 ? `0x${op.code.toString(16)}` : `${op.code}`;
}

/** docs/l4.md. */
export function l4Page(): string {
  const lines = [
    GENERATED,
    '# L4 protocols',
    '',
    'Messages to objects of Fiasco.OC and to servers of L4Re that traces and reports know by name. A request names its',
    'protocol in the label of its tag. Rights: those that the invoked capability needs, and in brackets those of',
    'capabilities sent along.',
  ];
  for (const by of ['kernel', 'service'] as const) {
    lines.push(
      '',
      by === 'kernel' ? '## Objects of the kernel' : '## Servers of L4Re',
      '',
      '| protocol | label | operation | code | arguments | answer | rights | remark |',
      '| --- | ---: | --- | ---: | --- | --- | --- | --- |',
    );
    for (const p of PROTOCOLS.filter((x) => x.by === by)) {
      const label = p.label < 0 ? `${p.label}` : `0x${p.label.toString(16)}`;
      for (const op of p.ops) {
        lines.push(
          `| ${p.name} | ${label} | \`${op.name}\` | ${l4Code(p, op)} | ${l4Request(op)} | ${l4Answer(op)} | ${op.rights} | ${op.note} |`,
        );
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

const dist = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Every page: its path below the repository, and its text. */
export function supportPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/syscalls.md', syscallPage()],
    ['docs/isa.md', isaPage()],
    ['docs/l4.md', l4Page()],
    ['docs/helgrind.md', helgrindPage(path.dirname(dist), GENERATED)],
  ]);
}

function main(): void {
  const root = path.dirname(dist);
  const check = process.argv.includes('--check');
  for (const [name, text] of supportPages()) {
    const file = path.join(root, name);
    const old = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
    if (old === text) continue;
    if (check) {
      console.error(`${name} is out of date: npm run docs`);
      process.exitCode = 1;
    } else {
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
      console.log(`wrote ${name}`);
    }
  }
}

if (
  process.argv[1] !== undefined &&
  import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href
) {
  main();
}
