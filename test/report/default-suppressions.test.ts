/** The suppressions that come with capgrind: each hides what it is there for, and nothing of the program's. */
import test from 'ava';
import { DEFAULT_SUPPRESSIONS } from '../../src/engine/paths.js';
import type { Frame } from '../../src/image/image-set.js';
import { Matcher } from '../../src/report/suppressions/match.js';
import { readSuppressions } from '../../src/report/suppressions/parse.js';
import helgrind from '../../src/tools/helgrind/index.js';

const list = readSuppressions(DEFAULT_SUPPRESSIONS, helgrind.suppressions!, 12);
const matcher = new Matcher(list);
const frame = (fn: string): Frame => ({
  pc: 0,
  fn,
  obj: '/bin/prog',
  file: null,
  dir: null,
  line: 0,
  inlined: false,
});
const nameOf = (kind: string, ...fns: string[]): string | undefined =>
  list[matcher.find(kind, null, () => fns.map(frame))]?.name;

test('each hides the stack that it was written for', (t) => {
  const stacks: Record<string, string[]> = {
    'glibc: arenas of malloc': ['arena_get2.part.0', 'tcache_init.part.0', 'free', 'work'],
    "glibc: heaps of malloc's arenas": ['alloc_new_heap', 'arena_get2.part.0', 'malloc'],
    'glibc: arenas of malloc at the end of a thread': ['__malloc_arena_thread_freeres', 'start_thread'],
    'glibc: writing out the buffer of a stream': ['new_do_write', '_IO_do_write', 'fflush', 'work'],
    'glibc: the time zone': ['tzset_internal', '__tz_convert', 'work'],
    'libstdc++: output streams that threads share': ['_ZNSo9_M_insertIlEERSoT_', '_ZL4talki'],
    'libstdc++: text into output streams that threads share': [
      '_ZSt16__ostream_insertIcSt11char_traitsIcEERSt13basic_ostreamIT_T0_ES6_PKS3_l',
      '_ZL4talki',
    ],
    'libstdc++: reference counts without atomic instructions': [
      '_ZN9__gnu_cxx18__exchange_and_addEPVii',
      'main',
    ],
  };
  t.deepEqual(list.map((s) => s.name).sort(), Object.keys(stacks).sort());
  for (const [name, fns] of Object.entries(stacks)) t.is(nameOf('Race', ...fns), name);
});

test('what the program does itself is not hidden, nor another kind of error', (t) => {
  t.is(nameOf('Race', 'work', 'tzset_internal'), undefined);
  t.is(nameOf('Race', 'tzset', 'main'), undefined);
  t.is(nameOf('Race', '_ZNSt6vectorIiSaIiEE9push_backERKi', 'main'), undefined);
  t.is(nameOf('Misc', 'tzset_internal', 'work'), undefined);
});
