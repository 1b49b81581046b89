/**
 * Writes the support pages of the documentation from the tables that the program itself runs by:
 * docs/syscalls.md from kernel/linux/table.ts, docs/isa.md from src/isa/table.ts.
 *
 * `node dist/scripts/support-pages.js` writes them; with `--check` it only says which are out of date (exit 1).
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { errnoName } from '../kernel/linux/errno.js';
import { ROWS, type Row } from '../kernel/linux/table.js';
import { RVC_ROWS } from '../src/isa/rvc.js';
import { ROWS as ISA_ROWS } from '../src/isa/table.js';

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

const dist = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Every page: its path below the repository, and its text. */
export function supportPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/syscalls.md', syscallPage()],
    ['docs/isa.md', isaPage()],
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
