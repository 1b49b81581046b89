/** A copy of every stored byte, kept by a tool that relies on atomic blocks, stays equal to memory; or not, without them. */
import test from 'ava';
import { capgrind, ROOT, story, TEST_ALL } from '../support/capgrind.js';

const TOOL = '--tool=dist/test/tools/shadow-copy.js';
const MIXED = 'test/guests/bin/mixed';

async function differing(
  policy: string,
  milliseconds: number,
  ...more: string[]
): Promise<{ n: number; loads: number; text: string; fine: boolean }> {
  const o = await capgrind([TOOL, `--atomicity=${policy}`, MIXED, String(milliseconds), ...more], {
    cwd: ROOT,
    timeoutMs: milliseconds + 300_000,
  });
  const m = /shadow copy: (\d+) of (\d+) loads differ/.exec(o.stderr);
  const fine = o.status === 0 && o.stdout === 'mixed: ok\n';
  return { n: Number(m?.[1] ?? -1), loads: Number(m?.[2] ?? 0), text: story(o), fine };
}

for (const policy of ['serial', 'restart']) {
  for (const rounds of ['1', '100']) {
    test(`${policy}: memory and its copy agree, ${rounds} times the relaxed accesses`, async (t) => {
      t.timeout(600_000);
      const r = await differing(policy, TEST_ALL ? 60_000 : 3000, rounds);
      t.true(r.fine, r.text);
      t.is(r.n, 0, r.text);
      t.true(r.loads > 100, r.text);
    });
  }
}

test('unsafe: they differ', async (t) => {
  t.timeout(600_000);
  let last = '';
  for (let ms = 2000; ms <= 64_000; ms *= 2) {
    const r = await differing('unsafe', ms, '100');
    t.true(r.fine, r.text);
    if (r.n > 0) return t.pass();
    last = r.text;
  }
  return t.fail(last);
});
