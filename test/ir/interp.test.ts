/** What the differential tests (test/jit) do not reach: statements that tools write, and ways out. */
import test from 'ava';
import { FRAMES, T_F, T_FCSR, T_MULTI, T_PC, T_TOOL, T_X, THREADS } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { type InterpHost, Interpreter } from '../../src/ir/interp.js';
import { EXIT_FAULT, EXIT_MISALIGNED, REG_F, REG_FCSR } from '../../src/ir/ir.js';
import { parseBlock } from '../../src/ir/parse.js';
import { assertValid } from '../../src/ir/verify.js';
import { reference } from '../rt/softfloat-oracle.js';

const TS = THREADS;
const machine = Machine.create(0);

/** Two guest pages, 0x1000 and 0x2000, far apart in host memory and in reverse order. */
const HOST: InterpHost = {
  translate: (addr) => {
    if (addr >= 0x1000n && addr < 0x2000n) return FRAMES + 0x9000 + Number(addr - 0x1000n);
    if (addr >= 0x2000n && addr < 0x3000n) return FRAMES + Number(addr - 0x2000n);
    return 0;
  },
  fp: reference,
  call: (fn, args) => (fn === 'sum' ? args.reduce((a, b) => a + b, 0n) : 0n),
};

function run(interp: Interpreter, ...lines: string[]) {
  const temps = lines.filter((l) => /^t\d+:/.test(l)).length;
  const last = lines.at(-1)!.startsWith('->') ? [] : ['-> goto 0x104'];
  const head = `block 0x100 len=4 insns=1 temps=${temps}`;
  const block = parseBlock([head, 'imark 0x100 4 test', ...lines, ...last].join('\n'));
  assertValid(block);
  return interp.run(block);
}

test.beforeEach(() => {
  machine.u8.fill(0, TS, TS + 4096);
});

test.serial('registers live where the thread state says', (t) => {
  const i = new Interpreter(machine, TS, HOST);
  i.setReg(10, -5n);
  i.setReg(REG_F + 3, 0xfff8000000000001n);
  i.setReg(REG_FCSR, 0xe1n);
  t.is(machine.dv.getBigInt64(TS + T_X + 80, true), -5n);
  t.is(machine.dv.getBigUint64(TS + T_F + 24, true), 0xfff8000000000001n);
  t.is(machine.dv.getInt32(TS + T_FCSR, true), 0xe1);
  t.deepEqual(run(i, 't0:i64 = get a0', 't1:i64 = i64.add t0, 3:i64', 'put a1, t1'), {
    k: 'next',
    pc: 0x104n,
  });
  t.is(i.getReg(11), -2n);
  t.is(machine.dv.getBigUint64(TS + T_PC, true), 0x104n);
});

test.serial('an access that straddles pages goes to both', (t) => {
  const i = new Interpreter(machine, TS, HOST);
  run(i, 't0:i32 = xlat 8188:i64+0 size=8 acc=w base=-', 'i64.store [t0+0], 72623859790382856:i64');
  t.deepEqual([...machine.u8.slice(FRAMES + 0x9ffc, FRAMES + 0xa000)], [8, 7, 6, 5]);
  t.deepEqual([...machine.u8.slice(FRAMES, FRAMES + 4)], [4, 3, 2, 1]);
  run(i, 't0:i32 = xlat 8186:i64+2 size=4 acc=r base=-', 't1:i64 = i64.load32_s [t0+2]', 'put a0, t1');
  t.is(i.getReg(10), 0x05060708n);
});

test.serial('a fault leaves before the access, with what was written before it', (t) => {
  const i = new Interpreter(machine, TS, HOST);
  i.setReg(11, 7n);
  const out = run(i, 'put a0, 1:i64', 't0:i32 = xlat 12284:i64+0 size=8 acc=r base=-', 'put a1, 1:i64');
  t.deepEqual(out, { k: 'exit', why: EXIT_FAULT, pc: 0x100, next: 0x100 });
  t.is(i.getReg(10), 1n);
  t.is(i.getReg(11), 7n);
  t.is(machine.dv.getBigUint64(TS + T_PC, true), 0x100n);
});

test.serial('exitif leaves when its condition holds, and only then', (t) => {
  const i = new Interpreter(machine, TS, HOST);
  t.is(run(i, 'exitif 0:i32 misaligned 4', 'put a0, 1:i64').k, 'next');
  const out = run(i, 'exitif 2:i32 misaligned 4', 'put a0, 2:i64');
  t.deepEqual(out, { k: 'exit', why: EXIT_MISALIGNED, pc: 0x100, next: 0x100 });
  t.is(i.getReg(10), 1n);
});

test.serial('host accesses take the address as it is; calls reach the surroundings', (t) => {
  const i = new Interpreter(machine, TS, HOST);
  run(
    i,
    `i32.store host [ts+${T_TOOL}], -2:i32`,
    `t0:i32 = i32.load16_u host [ts+${T_TOOL}]`,
    't1:i64 = i64.extend_i32_u t0',
    't2:i64 = call.sync sum(t1, 2:i64)',
    'put a0, t2',
    'call note()',
  );
  t.is(i.getReg(10), 0x10000n);
  const bare = new Interpreter(machine, TS, { translate: HOST.translate, fp: HOST.fp });
  t.throws(() => run(bare, 'call note()'), { message: /no function note/ });
});

test.serial('SC succeeds once, at the reserved word, while its value stands', (t) => {
  const lr = ['t0:i32 = xlat 4096:i64+0 size=4 acc=r base=-', 't1:i64 = call lr_w(t0)'];
  const sc = (addr: number): string[] => [
    `t0:i32 = xlat ${addr}:i64+0 size=4 acc=w base=-`,
    't1:i64 = call sc_w(t0, 9:i64)',
    'put a0, t1',
  ];
  const store = (addr: number, v: number): string[] => [
    `t0:i32 = xlat ${addr}:i64+0 size=4 acc=w base=-`,
    `i64.store32 [t0+0], ${v}:i64`,
  ];
  const i = new Interpreter(machine, TS, HOST);
  const attempt = (...steps: string[][]): bigint => {
    run(i, ...store(4096, -1));
    for (const s of steps) run(i, ...s);
    return i.getReg(10);
  };
  t.is(attempt(sc(4096)), 1n);
  t.is(attempt(lr, sc(4096)), 0n);
  t.is(machine.dv.getInt32(FRAMES + 0x9000, true), 9);
  t.is(attempt(lr, sc(4096), sc(4096)), 1n);
  t.is(attempt(lr, sc(4100)), 1n);
  t.is(attempt(lr, store(4096, 5), sc(4096)), 1n);
  t.is(attempt(lr, store(4096, -1), sc(4096)), 0n);
  t.is(attempt(lr, store(4096 + 60, 5), sc(4096)), 0n);
  // With threads about, any write to the line ends the reservation.
  machine.dv.setInt32(TS + T_MULTI, 1, true);
  t.is(attempt(lr, store(4096, -1), sc(4096)), 1n);
  t.is(attempt(lr, store(4096 + 60, 5), sc(4096)), 1n);
  t.is(attempt(lr, store(4096 + 64, 5), sc(4096)), 0n);
});
