import fs from 'node:fs';
import test from 'ava';
import { ERRNO, errnoName, errnoOf } from '../../../kernel/linux/errno.js';
import { BY_NUMBER, ROWS } from '../../../kernel/linux/table.js';
import { supportPages } from '../../../scripts/support-pages.js';

const HEADERS = '/usr/riscv64-linux-gnu/include';

test('numbers and names are unique and ascending', (t) => {
  t.deepEqual(
    ROWS.map((r) => r.nr),
    [...new Set(ROWS.map((r) => r.nr))].sort((a, b) => a - b),
  );
  t.is(new Set(ROWS.map((r) => r.name)).size, ROWS.length);
});

test('every call that is not refused has a handler, refused ones an errno and a reason', (t) => {
  for (const r of ROWS) {
    if (r.support === 'refused') {
      t.is(r.handler, undefined, r.name);
      t.true(r.errno > 0 && r.note !== '', r.name);
    } else {
      t.is(typeof r.handler, 'function', r.name);
      t.is(r.support === 'partial', r.note !== '', r.name);
      t.true(r.handler!.length <= 7 && r.args.length <= 6, r.name);
    }
    t.is(BY_NUMBER[r.nr], r);
  }
});

test('a handler takes no more arguments than its row names', (t) => {
  for (const r of ROWS) if (r.handler) t.true(r.handler.length <= r.args.length + 1, r.name);
});

const installed = fs.existsSync(`${HEADERS}/asm-generic/unistd.h`);

test('numbers are those of the installed kernel headers', (t) => {
  if (!installed) return t.pass();
  const text = fs.readFileSync(`${HEADERS}/asm-generic/unistd.h`, 'utf8');
  const known = new Map<number, string>();
  for (const [, name, nr] of text.matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm))
    known.set(Number(nr), name!);
  for (const r of ROWS) {
    if (r.nr === 258 || r.nr === 259) continue;
    const name = r.name === 'newfstatat' ? 'fstatat' : r.name;
    t.is(known.get(r.nr), name, String(r.nr));
  }
});

test('error numbers are those of the installed kernel headers', (t) => {
  if (!installed) return t.pass();
  for (const file of ['errno-base.h', 'errno.h']) {
    const text = fs.readFileSync(`${HEADERS}/asm-generic/${file}`, 'utf8');
    for (const [, name, nr] of text.matchAll(/^#define\s+(E\w+)\s+(\d+)\b/gm))
      t.is(ERRNO[name!], Number(nr), name);
  }
});

test('errors of node:fs become error numbers, defects of ours stay exceptions', (t) => {
  const failure = t.throws(() => fs.readFileSync('/nonexistent/file'));
  t.is(errnoName(errnoOf(failure)), 'ENOENT');
  t.throws(() => errnoOf(new TypeError('a defect')), { instanceOf: TypeError });
});

test('the support pages in docs/ are up to date (npm run docs)', (t) => {
  for (const [name, text] of supportPages()) t.is(fs.readFileSync(name, 'utf8'), text, name);
});
