/**
 * The protocol tables and the decoder: layouts against the byte offsets that the ABI notes state, worked messages of
 * the real kernel (section 16 of the notes), and every call of the recorded traces.
 */
import test from 'ava';
import { Conversation } from '../../../kernel/l4/protocols/conversation.js';
import { decodeReply, decodeRequest } from '../../../kernel/l4/protocols/decode.js';
import { offsets } from '../../../kernel/l4/protocols/fields.js';
import { findOp, PROTOCOLS } from '../../../kernel/l4/protocols/find.js';
import { ERROR, errorText, ipcErrorName, LABEL } from '../../../kernel/l4/protocols/labels.js';
import { argumentsAt } from '../../../kernel/l4/protocols/types.js';
import {
  flexpageText,
  makeTag,
  operationName,
  parseBuffers,
  parseSelector,
  parseTag,
  receivedItemText,
  sendItemText,
  timeoutText,
} from '../../../kernel/l4/protocols/wire.js';
import { parseTrace, readTrace } from './traces.js';

const request = (tag: bigint, mr: readonly bigint[], br: readonly bigint[] = []) =>
  decodeRequest({ tag, mr, br, bdr: 0n });

test('arguments lie where the notes say', (t) => {
  // Offsets written down in sections 11.1, 11.3 and 11.4; everything else there is in the order of the layout.
  const stated: [number, number, Record<string, number>][] = [
    [LABEL.DATASPACE, 0, { offset: 8, spot: 16, flags: 24 }],
    [LABEL.DATASPACE, 3, { to: 8, from: 16, size: 24 }],
    [LABEL.RM, 0, { start: 8, size: 16, flags: 24, offset: 32, align: 40, client: 48, name: 56 }],
    [LABEL.RM, 1, { at: 8, size: 16, flags: 24 }],
    [LABEL.RM, 3, { start: 8, size: 16, flags: 24, align: 28 }],
    [LABEL.RM, 10, { from: 8, to: 16, rights: 24 }],
    [LABEL.NAMESPACE, 0, { name: 8 }],
    [LABEL.NAMESPACE, 1, { flags: 4 }],
    [LABEL.PARENT, 0, { signal: 8, value: 16 }],
    [LABEL.ITAS, 0, { utcb: 8 }],
    [LABEL.THREAD, 0, { flags: 0, pager: 8, handler: 16, alien: 32, utcb: 40 }],
    [LABEL.EXCEPTION, 0, { pc: 256, cause: 272, tval: 280, sp: 16, ra: 8 }],
  ];
  for (const [label, code, want] of stated) {
    const op = findOp(label, code)!;
    const protocol = PROTOCOLS.find((p) => p.label === label)!;
    const at = offsets(op.request, argumentsAt(protocol.opcode));
    for (const [name, offset] of Object.entries(want)) {
      const i = op.request.findIndex((f) => f.name === name);
      t.true(i >= 0, `${op.name} has ${name}`);
      t.is(at[i], offset, `${protocol.name}.${op.name} ${name}`);
    }
  }
  const find = findOp(LABEL.RM, 2)!;
  t.deepEqual(offsets(find.reply, 0), [0, 8, 16, 24, 32]);
});

test('no two operations of a protocol share a number', (t) => {
  for (const p of PROTOCOLS) {
    t.is(new Set(p.ops.map((o) => o.code)).size, p.ops.length, p.name);
    if (p.opcode === 'none') t.is(p.ops.length, 1, p.name);
    for (const o of p.ops) {
      for (const rights of [o.rights, ...o.items.map((i) => i.rights)]) t.regex(rights, /^[WSRD]*$/);
    }
  }
});

test('tags', (t) => {
  t.deepEqual(parseTag(0xfffffffffff50043n), { label: LABEL.TASK, words: 3, items: 1, flags: 0 });
  t.deepEqual(parseTag(0xfffffffffff32004n), { label: LABEL.LOG, words: 4, items: 0, flags: 0x2000 });
  t.is(makeTag(LABEL.TASK, 3, 1), 0xfffffffffff50043n);
  t.is(makeTag(LABEL.RM, 11, 1), 0x4005004bn);
});

test('selectors', (t) => {
  const read = (raw: bigint) => {
    const s = parseSelector(raw);
    return `${operationName(s.operation)} ${s.space} ${s.index}`;
  };
  t.is(read(0x1003n), 'call slot 1');
  t.is(read(0x1013n), 'call slot 1', 'bits 4 to 9 do not count');
  t.is(read(0xfffffffffffff803n), 'call self 0');
  t.is(read(0xfffffffffffff802n), 'receive self 0');
  t.is(read(0xfffffffffffffc06n), 'wait implicit-reply 0');
  t.is(read(0xfffffffffffffc0fn), 'reply and wait implicit-reply 0');
  t.is(read(0xfffffffffffff80fn), 'reply and wait implicit-reply 0', 'REPLY on the invalid selector');
  t.is(read(0x3409n), 'reply reply 3');
});

test('timeouts', (t) => {
  t.is(timeoutText(0), 'never');
  t.is(timeoutText(0x400), '0');
  t.is(timeoutText(0x7e8), '2000 us', 'mantissa 1000, exponent 1');
  t.is(timeoutText(0x8000), 'absolute (BR0)');
  t.is(timeoutText(0x803f), 'absolute (BR57)', 'the index is capped');
});

test('flexpages, items and buffers', (t) => {
  t.is(flexpageText(0x1d037n), 'slot 0x1d WSR');
  t.is(flexpageText(0x1d03fn), 'slot 0x1d WSRD');
  t.is(flexpageText(0x1d030n), 'slot 0x1d -');
  t.is(flexpageText(0x2310n), '0x2000..0x2fff -');
  t.is(flexpageText(0x3316n), '0x3000..0x3fff WR');
  t.is(flexpageText(0xfd0n), 'all memory -');
  t.is(flexpageText(0xfc0n), 'all spaces');
  t.is(sendItemText(0n, 0n), 'void');
  t.is(sendItemText(0xan, 0x1d037n), 'grant slot 0x1d WSR');
  t.is(sendItemText(0x10n | 8n, 0x1d034n), 'slot 0x1d R (weak)');
  t.is(sendItemText(0x230e8n, 0x1d037n), 'slot 0x1d WSR (object rights 7, at 0x23)');
  t.is(receivedItemText(0x38n, 0n), 'capability mapped');
  t.is(receivedItemText(0x318n, 0n), 'memory mapped');
  t.is(receivedItemText(0x3an, 0n), 'nothing mapped');
  t.is(receivedItemText(0x3cn, 0x70028403n), 'gate id 0x70028403');
  t.is(receivedItemText(0x3en, 0x1d037n), 'own slot 0x1d WSR');
  const buffers = parseBuffers([0x1a00en, 0x2300an, 8n, 0x2310n, 0n, 0x1b00an], 0);
  t.deepEqual(
    buffers.map((b) => b.text),
    ['slot 0x1a or id', 'slot 0x23', '0x2000..0x2fff -'],
  );
  t.deepEqual(
    buffers.map((b) => b.slot),
    [0x1a, 0x23, -1],
  );
});

test('errors', (t) => {
  t.is(errorText(-ERROR.ENOENT), '-2 ENOENT');
  t.is(errorText(-2004), '-2004 (send not existent)');
  t.is(ipcErrorName(3), 'receive timeout');
  t.is(ipcErrorName(0x13), 'receive no reply capability');
});

test('worked messages of the real kernel', (t) => {
  const attach = request(0x4005004bn, [
    0n,
    0n,
    0x1000n,
    0x20004n,
    0n,
    0n,
    0x23000n,
    0n,
    0n,
    0n,
    0n,
    8n,
    0x23037n,
  ]);
  t.is(
    attach.text,
    'Rm.attach(start=0x0, size=4096, flags=R|search, offset=0, align=0, client=cap 0x23, name="", backing=0) items [slot 0x23 WSR]',
  );
  t.is(decodeReply(attach, { tag: 1n, mr: [0x2000n] }, 0, true), 'ok start=0x2000');
  const map = request(0x40000004n, [0n, 0n, 0n, 4n], [8n, 0x2310n]);
  t.is(map.text, 'Dataspace.map(offset=0, spot=0x0, flags=R) into [0x2000..0x2fff -]');
  t.is(decodeReply(map, { tag: 0x40n, mr: [0x318n, 0n] }, 0, true), 'ok [memory mapped]');
  const detach = request(0x40050004n, [1n, 0x3000n, 1n, 2n]);
  t.is(detach.text, 'Rm.detach(at=0x3000, size=1, flags=overlap)');
  t.is(
    decodeReply(detach, { tag: 0x80003n, mr: [0x3000n, 0x1000n, 0x1c000n] }, 0, true),
    '8 start=0x3000, size=4096, client=cap 0x1c',
  );
  const create = request(
    makeTag(LABEL.FACTORY, 7),
    [0x4000n, 0x80081n, 0x200000n, 0x80001n, 0n, 0x80001n, 0n],
    [0x2300an],
  );
  t.is(create.text, 'Factory.create dataspace(arguments=(2097152, 0, 0)) into [slot 0x23]');
  const semaphore = request(makeTag(LABEL.FACTORY, 1), [0xffffffffffffffecn], [0x41700an]);
  t.is(semaphore.text, 'Factory.create semaphore() into [slot 0x417]');
  const unmap = request(makeTag(LABEL.TASK, 3), [1n, 0x80000000n, 0x1d037n]);
  t.is(unmap.text, 'Task.unmap(mask=self, pages=[slot 0x1d WSR])');
  t.is(decodeReply(unmap, { tag: 3n, mr: [1n, 0x80000000n, 0x1d030n] }, 0, true), 'ok pages=[slot 0x1d -]');
  const text = [0n, 13n, 0x202c6f6c6c6548n, 0xa646c726f77n];
  t.regex(request(0xfffffffffff32004n, text).text, /^Log\.write\(text="Hello, \\x00world/);
  const control = request(makeTag(LABEL.THREAD, 6, 1), [
    0x1210000n,
    0x10000n,
    0x1f000n,
    0n,
    0n,
    0xb3000000n,
    8n,
    0x1037n,
  ]);
  t.is(
    control.text,
    'Thread.control(flags=pager|bind|handler, pager=cap 0x10, handler=cap 0x1f, alien=0, utcb=0xb3000000) items [slot 0x1 WSR]',
  );
  t.is(request(makeTag(LABEL.IRQ, 0), []).text, 'Irq.trigger()');
  t.is(request(makeTag(0x44, 2), [1n, 2n]).text, 'label 0x44(mr0=0x1, mr1=0x2)');
  t.is(request(makeTag(LABEL.TASK, 1), [0x11n]).text, 'Task.operation 17(mr0=0x11)');
});

test('a conversation: each answer is read by its request', (t) => {
  const lines = parseTrace(
    [
      '@C 3c ref=fffffffffffffc06 tag=0 to=4000000 fs=0 mr=0 bdr=0 br=1a00e,1b00e o=0',
      '@C 45 ref=1f003 tag=40050002 to=0 fs=0 mr=4,36000 bdr=0 br=0,0 o=42',
      '@R 3c tag=40050002 lbl=70028403 mr=4,36000,0 err=0',
      '@C 3c ref=fffffffffffffc0f tag=fffffffffffe0000 to=4000000 fs=0 mr=0 bdr=0 br=1a00e,1b00e o=4b',
      '@R 45 tag=fffffffffffe0000 lbl=0 mr=4,36000,0 err=0',
      '@C 45 ref=a003 tag=ffffffffffe90042 to=0 fs=0 mr=100,30616d676973,8,1037,0 bdr=0 br=0,0 o=4',
      '@R 45 tag=8000 lbl=0 mr=100,30616d676973,8 err=4',
    ].join('\n'),
  );
  const c = new Conversation();
  const texts = lines.map(
    (l) => (l.kind === 'enter' ? c.enter(l.thread, l.call) : c.leave(l.thread, l.result)).text,
  );
  t.deepEqual(texts, [
    'wait, timeout never',
    'call cap 0x1f: Rm.free_area(at=0x36000)',
    'received from 0x70028403: Rm.free_area(at=0x36000)',
    'reply and wait to Rm.free_area: -2 ENOENT',
    '-2 ENOENT',
    'call cap 0xa (debugger): Debugger.set_name(name="sigma0") items [slot 0x1 WSR]',
    'IPC error 4 (send not existent)',
  ]);
});

for (const name of ['hello', 'pthread']) {
  test(`every call of the real kernel's trace of ${name} is known`, (t) => {
    const lines = readTrace(name);
    if (!lines) {
      t.pass('the recordings are not here');
      return;
    }
    const c = new Conversation();
    let calls = 0;
    for (const l of lines) {
      const line = l.kind === 'enter' ? c.enter(l.thread, l.call) : c.leave(l.thread, l.result);
      if (l.kind === 'enter') calls++;
      // Messages without a protocol: libpthread's requests to its manager (section 14), label 0 with five words.
      const { request } = line;
      const own = request?.label === LABEL.NONE;
      if (own) t.true([0, 5].includes(parseTag(l.kind === 'enter' ? l.call.tag : l.result.tag).words), l.raw);
      t.true(request === null || own || request.op !== null, `${l.raw}\n${line.text}`);
      t.notRegex(line.text, /missing/, l.raw);
    }
    t.true(calls > 1800);
  });
}
