// Compares two system call traces of L4 systems, thread by thread: one of `capgrind boot --trace-syscalls=yes -v`, one of the
// real kernel with the same lines (@C call, @R result; see kernel/l4/kernel.ts).
//
//   node scripts/compare-traces.mjs OURS THEIRS [--calls=1000] [--show=40] [--pair=OUR:THEIR,...]
//
// Threads are paired by what they do: each of theirs with the one of ours whose calls are most like its own, unless --pair
// says so. Calls are compared by selector, tag, message words, result tag and error. Physical addresses, times, stale
// words beyond a message and the numbers of threads do not count. Exit status 0 when all threads have a partner.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const args = process.argv.slice(2);
const files = args.filter((a) => !a.startsWith('--'));
const option = (name, otherwise) => args.find((a) => a.startsWith(`--${name}=`))?.split('=')[1] ?? otherwise;
if (files.length !== 2) {
  console.error('compare-traces: two files, ours and theirs');
  process.exit(2);
}
const most = Number(option('calls', '1000'));
const show = Number(option('show', '40'));

function read(file) {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('latin1');
  const threads = new Map();
  const open = new Map();
  for (const line of text.split('\n')) {
    const [, kind, thread, rest] = /@([CR]) ([0-9a-f]+) (.*)$/.exec(line) ?? [];
    if (kind === undefined) continue;
    const fields = Object.fromEntries([...rest.matchAll(/(\w+)=(\S+)/g)].map((m) => [m[1], m[2]]));
    if (kind === 'C') {
      if (!threads.has(thread)) threads.set(thread, []);
      const call = { ...fields, result: null };
      threads.get(thread).push(call);
      open.set(thread, call);
    } else if (open.has(thread)) {
      open.get(thread).result = fields;
    }
  }
  return threads;
}

const label = (tag) => BigInt.asIntN(64, BigInt(`0x${tag}`)) >> 16n;
const words = (tag) => Number(BigInt(`0x${tag}`) & 63n);
const items = (tag) => Number((BigInt(`0x${tag}`) >> 6n) & 63n);

/** A word that may stand for the same thing at another place. */
function word(w) {
  const v = BigInt(`0x${w}`);
  // Memory of the machine (flexpages too): where things lie is the boot loader's and the allocators' business.
  if (v >= 0x80000000n && v < 0x90000000n) return `ram.${(v & 0xfffn).toString(16)}`;
  // The end of user space, where the first threads' UTCBs lie.
  if (v >= 0x3ffff00000n && v <= 0x8000_0000_0000n) return 'top';
  return w;
}

function key(call) {
  const tag = call.tag;
  const sent = (BigInt(`0x${call.ref}`) & 1n) !== 0n;
  const count = sent ? Math.min(5, words(tag) + 2 * items(tag)) : 0;
  const mr = call.mr.split(',').slice(0, count);
  // Text of the log: the bytes are the program's output.
  const payload = sent && label(tag) === -13n ? mr.slice(0, 2) : mr.map(word);
  const out = call.result;
  const parts = [call.ref, sent ? tag : '-', payload.join(',')];
  if (out !== null) {
    const failed = (BigInt(`0x${out.tag}`) & 0x8000n) !== 0n;
    // A plain send leaves tag and words as they were.
    const received = (BigInt(`0x${call.ref}`) & 2n) !== 0n;
    const got =
      received && !failed
        ? out.mr
            .split(',')
            .slice(0, Math.min(3, words(out.tag) + 2 * items(out.tag)))
            .map(word)
        : [];
    parts.push('->', received ? out.tag : '-', got.join(','), failed ? `error ${out.err}` : '');
  }
  return parts.join(' ').trim();
}

/** Longest common subsequence of two lists of keys, as pairs of indices. */
function align(a, b) {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (table[i + 1][j] >= table[i][j + 1]) i++;
    else j++;
  }
  return pairs;
}

const keysOf = (threads) =>
  [...threads].map(([id, calls]) => ({ id, keys: calls.slice(0, most).map(key), total: calls.length }));
const [ours, theirs] = files.map((f) => keysOf(read(f)));
const asked = new Map(
  (option('pair', '') || '')
    .split(',')
    .filter(Boolean)
    .map((p) => p.split(':').reverse()),
);
const free = new Set(ours);
let alone = 0;
for (const t of theirs) {
  const candidates = asked.has(t.id) ? ours.filter((o) => o.id === asked.get(t.id)) : [...free];
  let best = null;
  for (const o of candidates) {
    const pairs = align(o.keys, t.keys);
    const score = pairs.length / Math.max(o.keys.length, t.keys.length);
    if (best === null || score > best.score) best = { o, pairs, score };
  }
  if (best === null) {
    alone++;
    console.log(`thread ${t.id} of theirs (${t.total} calls): no thread of ours is left`);
    continue;
  }
  const { o, pairs } = best;
  free.delete(o);
  console.log(
    `thread ${o.id} of ours, ${t.id} of theirs: ${o.keys.length} and ${t.keys.length} calls, ${pairs.length} the same`,
  );
  let shown = 0;
  let [i, j] = [0, 0];
  for (const [x, y] of [...pairs, [o.keys.length, t.keys.length]]) {
    if ((i < x || j < y) && shown < show) {
      shown++;
      console.log(`  at ${i} / ${j}:`);
      for (const k of o.keys.slice(i, Math.min(x, i + 6))) console.log(`    ours   ${k}`);
      if (x - i > 6) console.log(`    ours   ... ${x - i - 6} more`);
      for (const k of t.keys.slice(j, Math.min(y, j + 6))) console.log(`    theirs ${k}`);
      if (y - j > 6) console.log(`    theirs ... ${y - j - 6} more`);
    }
    [i, j] = [x + 1, y + 1];
  }
}
for (const o of free) console.log(`thread ${o.id} of ours (${o.total} calls): no partner`);
process.exit(alone > 0 ? 1 : 0);
