import fs from 'node:fs';
import test from 'ava';
import {
  G_MULTI,
  T_CLEAR_TID,
  T_F,
  T_PC,
  T_TID,
  T_UNWIND,
  UNWIND_RESTART,
} from '../../../kernel/core/layout.js';
import * as E from '../../../kernel/linux/errno.js';
import { KIND_FILE, MAPPED_SIZE, P_MAPPED } from '../../../kernel/linux/process.js';
import { BY_NUMBER } from '../../../kernel/linux/table.js';
import { traceCall, traceResult } from '../../../kernel/linux/trace.js';
import { PID, Rig } from './rig.js';

const A = 0x18000;
const B = 0x19000;
const THREAD = 0x3d0f00;

/** Maps the file behind a mapping once more, through a descriptor of its own. */
function openAgain(rig: Rig, mapped: number): number {
  const { mem, space } = rig.kernel;
  const id = space.regionAt(mapped)!.fileId;
  const host = rig.machine.i32[(P_MAPPED + (id - 1) * MAPPED_SIZE + 20) >> 2]!;
  const second = fs.openSync(`/proc/self/fd/${host}`, 'r+');
  const fd = rig.kernel.files.install({ kind: KIND_FILE, flags: 2, host: second }, false);
  const at = rig.call(222, 0, 4096, 3, 1, fd, 0) as number;
  mem.readU8(at);
  return at;
}

test('an unknown call is ENOSYS with one warning a number', (t) => {
  const rig = Rig.create();
  t.is(rig.call(9999), -E.ENOSYS);
  t.is(rig.call(9999), -E.ENOSYS);
  t.is(rig.call(244), -E.ENOSYS);
  t.deepEqual(rig.warnings, [
    'WARNING: unhandled riscv64-linux syscall: 9999',
    'WARNING: unhandled riscv64-linux syscall: 244',
  ]);
  t.is(rig.call(198, 1, 1, 0), -E.EACCES, 'refused, as the table says');
  t.is(rig.warnings.length, 2);
});

test('clone makes a thread: registers, tid words, the first switch to many threads', (t) => {
  const rig = Rig.create();
  const { machine, kernel, ts } = rig;
  rig.setWord64(ts + T_PC, 0x4000_1000);
  machine.f64[(ts + T_F + 8) >> 3] = 2.5;
  kernel.setX(ts, 9, -7);
  const tid = rig.call(220, THREAD, A + 0x800, A, 0x1234_5678_9ab0, B) as number;
  const [child] = rig.spawned;
  t.true(tid > PID);
  t.is(machine.i32[(child! + T_TID) >> 2], tid);
  t.is(kernel.mem.readU32(A), tid, 'CLONE_PARENT_SETTID');
  t.is(rig.register(child!, 10), 0);
  t.is(rig.register(child!, 2), A + 0x800);
  t.is(rig.register(child!, 4), 0x1234_5678_9ab0);
  t.is(rig.register(child!, 9), -7);
  t.is(Number(machine.i64[(child! + T_PC) >> 3]), 0x4000_1004);
  t.is(machine.f64[(child! + T_F + 8) >> 3], 2.5);
  t.is(Number(machine.i64[(child! + T_CLEAR_TID) >> 3]), B);
  t.is(machine.i32[G_MULTI >> 2], 1);
  t.is(machine.i32[(ts + T_UNWIND) >> 2], UNWIND_RESTART, 'the parent leaves its code once');
  t.is(Number(machine.i64[(ts + T_PC) >> 3]), 0x4000_1004);
  machine.i32[(ts + T_UNWIND) >> 2] = 0;
  kernel.mem.writeU64(A, THREAD);
  for (let i = 1; i < 11; i++) kernel.mem.writeU64(A + i * 8, 0);
  kernel.mem.writeU64(A + 5 * 8, B);
  kernel.mem.writeU64(A + 6 * 8, 0x800);
  kernel.mem.writeU64(A + 3 * 8, B);
  t.true((rig.call(435, A, 88) as number) > tid);
  t.is(rig.register(rig.spawned[1]!, 2), B + 0x800);
  t.is(machine.i32[(ts + T_UNWIND) >> 2], 0);
  while (rig.call(220, THREAD, A, A, 0, A) !== -E.EAGAIN)
    t.true(rig.spawned.length < 10, 'the cap of 8 holds');
  t.is(rig.call(220, 17, 0, 0, 0, 0), -E.ENOSYS, 'fork');
  t.is(rig.call(220, 0x10000, 0, 0, 0, 0), -E.EINVAL);
});

test('exit codes and signals that end the process', (t) => {
  const rig = Rig.create();
  t.is(rig.call(94, 0x1ff), 'leaves');
  t.is(rig.exitCode, 0xff);
  t.is(rig.call(131, PID, PID, 6), 'leaves', 'abort');
  t.is(rig.killedBy, 6);
  rig.killedBy = 0;
  t.is(rig.call(131, PID, PID, 17), 0, 'SIGCHLD is ignored by default');
  t.is(rig.call(131, PID, 1, 6), -E.ESRCH);
  rig.ignoreSignal(15);
  t.is(rig.call(129, PID, 15), 0);
  t.is(rig.call(129, PID, 65), -E.EINVAL);
  t.is(rig.killedBy, 0);
});

test('bit 0 of a pc that comes back from a signal frame does not count', (t) => {
  const rig = Rig.create();
  const frame = A - (A % 16);
  rig.kernel.mem.writeU64(frame + 128 + 176, 0x12345);
  rig.kernel.setX(rig.ts, 2, frame);
  rig.call(139);
  t.is(rig.machine.u32[(rig.ts + T_PC) >> 2], 0x12344);
});

test('signal dispositions and masks are stored', (t) => {
  const rig = Rig.create();
  const { mem } = rig.kernel;
  [0x1234, 4, 0x80].forEach((word, i) => {
    mem.writeU64(A + i * 8, word);
  });
  t.is(rig.call(134, 10, A, 0, 8), 0);
  t.is(rig.call(134, 10, 0, B, 8), 0);
  t.deepEqual(mem.copyIn(B, 24), mem.copyIn(A, 24));
  t.is(rig.call(134, 9, A, 0, 8), -E.EINVAL, 'SIGKILL');
  t.is(rig.call(134, 10, A, 0, 4), -E.EINVAL);
  mem.writeU64(A, -1);
  t.is(rig.call(135, 2, A, 0, 8), 0);
  t.is(rig.call(135, 0, 0, B, 8), 0);
  t.is(mem.readU32(B), (~(1 << 8) & ~(1 << 18)) >>> 0, 'SIGKILL and SIGSTOP stay open');
});

test('memory calls keep to mmap(2)', (t) => {
  const rig = Rig.create();
  const { mem } = rig.kernel;
  const at = rig.call(222, 0, 10000, 3, 0x22, -1, 0) as number;
  t.is(at % 4096, 0);
  mem.writeU64(at + 8192, 77);
  t.is(rig.call(222, 0, 0, 3, 0x22, -1, 0), -E.EINVAL);
  t.is(rig.call(222, at + 1, 4096, 3, 0x32, -1, 0), -E.EINVAL);
  t.is(rig.call(222, at, 4096, 3, 0x100022, -1, 0), -E.EEXIST);
  t.is(rig.call(222, 0, 4096, 3, 2, 99, 0), -E.EBADF);
  t.is(rig.call(226, at, 4096, 1), 0);
  t.throws(() => mem.writeU8(at, 1));
  t.is(rig.call(233, at, 12288, 4), 0);
  t.is(mem.readU64(at + 8192), 0, 'MADV_DONTNEED');
  t.is(rig.call(233, at, 4096, 99), -E.EINVAL);
  t.is(rig.call(232, at, 12288, A), 0);
  t.is(rig.call(232, at, 16384, A), -E.ENOMEM);
  const moved = rig.call(216, at + 4096, 8192, 0x20000, 1) as number;
  t.true(moved > 0);
  t.is(rig.call(215, moved, 0x20000), 0);
  t.is(rig.call(215, at + 1, 4096), -E.EINVAL);
  t.is(rig.call(259, 0x1000, 0x2000, 0), 0);
  t.deepEqual(rig.flushed, [[0x1000, 0x2000]]);
});

test('a file mapping reads the file, a shared one writes it back', (t) => {
  const rig = Rig.create();
  const { mem } = rig.kernel;
  mem.copyOut(A, Buffer.from('m\0'));
  const fd = rig.call(279, A, 0) as number;
  mem.copyOut(A, Buffer.from('contents'));
  t.is(rig.call(64, fd, A, 8), 8);
  const own = rig.call(222, 0, 4096, 3, 2, fd, 0) as number;
  const shared = rig.call(222, 0, 4096, 3, 1, fd, 0) as number;
  t.is(mem.cstring(own), 'contents');
  mem.writeU8(own, 0x43);
  t.is(mem.cstring(shared), 'contents');
  mem.writeU8(shared, 0x44);
  t.is(rig.call(57, fd), 0, 'the mapping outlives its descriptor');
  t.is(rig.call(227, shared, 4096, 4), 0);
  t.is(mem.cstring(shared), 'Dontents');
  const again = openAgain(rig, shared);
  mem.writeU8(again, 0x45);
  t.is(mem.cstring(shared), 'Eontents', 'mappings of one file share pages, whatever they came through');
  mem.copyOut(A, Buffer.from('/proc/version\0'));
  const read = rig.call(56, -100, A, 0) as number;
  t.is(
    rig.call(222, 0, 4096, 3, 1, read, 0),
    -E.EACCES,
    'shared and writable, through a read-only descriptor',
  );
});

test('what the machine is', (t) => {
  const rig = Rig.create({ cpus: 3 });
  const { mem } = rig.kernel;
  t.is(rig.call(172), PID);
  t.is(rig.call(178), PID);
  t.is(rig.call(160, A), 0);
  t.is(mem.cstring(A), 'Linux');
  t.is(mem.cstring(A + 65 * 4), 'riscv64');
  t.is(rig.call(123, 0, 128, A), 8);
  t.is(mem.readU64(A), 7);
  t.is(rig.call(123, 0, 3, A), -E.EINVAL);
  [4, 3, 77].forEach((key, i) => {
    mem.writeU64(A + i * 16, key);
  });
  t.is(rig.call(258, A, 3, 0, 0, 0), 0);
  t.deepEqual([mem.readU64(A + 8), mem.readU64(A + 24)], [0x3b, 1]);
  t.is(mem.readI64(A + 32), -1);
  t.is(rig.call(261, 0, 3, 0, A), 0);
  t.is(mem.readU64(A), 8 * 1024 * 1024);
  mem.copyOut(A, Buffer.from('a-name-that-is-too-long\0'));
  t.is(rig.call(167, 15, A), 0);
  t.is(rig.call(167, 16, B), 0);
  t.is(mem.cstring(B), 'a-name-that-is-');
  t.is(rig.call(278, A, 32, 0), 32);
  t.notDeepEqual(mem.copyIn(A, 32), new Uint8Array(32));
  t.is(rig.call(293, A, 32, 0, 0), -E.ENOSYS);
  t.is(rig.call(283, 0, 0), 0x7f);
  t.is(rig.call(283, 8, 0), 0);
});

test('clocks agree with the host, sleeps last', (t) => {
  const rig = Rig.create();
  const { mem } = rig.kernel;
  t.is(rig.call(113, 0, A), 0);
  t.true(Math.abs(mem.readU64(A) * 1e3 + mem.readU64(A + 8) / 1e6 - Date.now()) < 500);
  for (const clock of [1, 2, 3, -6]) t.is(rig.call(113, clock, A), 0, String(clock));
  t.is(rig.call(113, 99, A), -E.EINVAL);
  mem.writeU64(A, 0);
  mem.writeU64(A + 8, 15e6);
  const before = performance.now();
  t.is(rig.call(101, A, 0), 0);
  t.true(performance.now() - before >= 14);
  mem.writeU64(A + 8, 1e9);
  t.is(rig.call(101, A, 0), -E.EINVAL);
});

test('the trace shows names, flags and results', (t) => {
  const rig = Rig.create();
  const { mem, tid } = rig.kernel;
  const line = (nr: number, ...args: number[]) => {
    rig.kernel.setX(rig.ts, 17, nr);
    for (let i = 0; i < 6; i++) rig.kernel.setX(rig.ts, 10 + i, args[i] ?? 0);
    return traceCall(rig.kernel, BY_NUMBER[nr], nr);
  };
  mem.copyOut(A, Buffer.from('a "b"\n\0'));
  t.is(
    line(56, -100, A, 0o1101, 0o644),
    `SYSCALL[${tid}](56) openat(AT_FDCWD, "a \\"b\\"\\n", O_WRONLY|O_CREAT|O_TRUNC, 0644)`,
  );
  t.is(
    line(222, 0, 4096, 3, 0x22, -1, 0),
    `SYSCALL[${tid}](222) mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)`,
  );
  t.is(line(64, 1, A, 3), `SYSCALL[${tid}](64) write(1, "a \\"", 3)`);
  t.is(line(98, A, 128, 1), `SYSCALL[${tid}](98) futex(0x18000, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0)`);
  t.is(traceResult(rig.kernel, BY_NUMBER[56], 56, -2), `SYSCALL[${tid}](56) openat --> -1 ENOENT`);
});
