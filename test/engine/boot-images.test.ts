/** Code of a booted system's tasks: which module it comes from, and stack traces of several tasks at the same addresses. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MAX_TASKS, PAGE_SIZE, TASK_FRAME } from '../../kernel/core/layout.js';
import type { Space } from '../../kernel/core/space.js';
import { inspectElf } from '../../kernel/elf/elf.js';
import { BootImages } from '../../src/engine/boot-images.js';
import type { RunConfig } from '../../src/engine/config.js';
import { Symbols } from '../../src/engine/symbols.js';
import { BIN } from '../support/capgrind.js';

const RAM = 0x80000000;
/** Pages of a task: guest page to host page, all readable. */
const space = (host: (page: number) => number): Space =>
  ({ map: { lookup: (page: number) => (host(page) === 0 ? 0 : host(page) | 1) } }) as unknown as Space;

const names = ['hello', 'mutex'];
const paths = names.map((n) => join(BIN, 'l4', n));
const modules = paths.map((path, i) => ({ path, at: RAM + i * 0x100000, bytes: statSync(path).size }));
const ram = space((page) => page - RAM + 0x10000000);
const entry = inspectElf(readFileSync(paths[0]!)).entry;
const firstPage = entry - (entry % PAGE_SIZE);
/** Both programs have their first page of code at this offset of their files. */
const offset = firstPage - 0x10000;

test('the frame of a page says which module it comes from, once', (t) => {
  let program = 1;
  const task = space((page) => (page === firstPage ? 0x10000000 + program * 0x100000 + offset : 0));
  const images = new BootImages(task, ram, modules, 5);
  const found = images.find(entry)!;
  t.is(found.path, paths[1]!);
  t.is(found.bias, 0);
  t.is(found.task, 5);
  t.true(found.start <= firstPage && found.end > firstPage);
  t.is(images.find(entry), null);
  t.is(images.find(firstPage + PAGE_SIZE), null);
  // Another program in the slot.
  program = 0;
  t.is(images.find(entry)!.path, paths[0]!);
});

test('memory that is no module says nothing', (t) => {
  const task = space(() => 0x0f000000);
  t.is(new BootImages(task, ram, modules, 5).find(entry), null);
});

test('a stack trace is read with the images of its task', (t) => {
  const images = paths.map((path, i) => ({ path, bias: 0, start: 0x10000, end: 0x20000, task: i + 1 }));
  const config = {
    images,
    debugDirs: [],
    report: { numCallers: 12, showBelowMain: true },
  } as unknown as RunConfig;
  const addresses = paths.map((_, i) => new Symbols(config, i + 1).addressesOf('l4re_util_cap_alloc')[0]!);
  t.not(addresses[0], addresses[1]);
  const main = new Symbols(config, 0);
  for (const i of [0, 1]) {
    const lines = main.trace([addresses[i]!, TASK_FRAME + i + 1]);
    t.deepEqual(
      lines.map((f) => [f.fn, f.obj]),
      [['l4re_util_cap_alloc', paths[i]!]],
    );
    t.not(main.frames([addresses[1 - i]!, TASK_FRAME + i + 1])[0]?.fn, 'l4re_util_cap_alloc');
    // The task's own view, with and without the mark.
    const own = new Symbols(config, i + 1);
    for (const pcs of [[addresses[i]!], [addresses[i]!, TASK_FRAME + i + 1]]) {
      t.deepEqual(
        own.trace(pcs).map((f) => f.fn),
        ['l4re_util_cap_alloc'],
      );
    }
  }
  t.deepEqual(
    main.trace([addresses[0]!, TASK_FRAME + MAX_TASKS - 1]).map((f) => f.fn),
    [null],
  );
});
