/** Machine code to WebAssembly text: file-tests/wasm. Calls show the import's name, offsets the thread state's field. */
import test from 'ava';
import wabt from 'wabt';
import { decode } from '../../src/isa/decode.js';
import { translate } from '../../src/jit/translate.js';
import { fileTests, readCode } from '../support/file-tests.js';

const tools = await wabt();

function toText(bytes: Uint8Array): string {
  const module = tools.readWasm(bytes, { threads: true, simd: true });
  try {
    module.resolveNames();
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

/** The functions' bodies; what every module begins with is left out, import numbers become names. */
function bodies(text: string): string {
  const names = [...text.matchAll(/\(import "env" "(\w+)" \(func/g)].map((m) => m[1]!);
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*\((module|type|import|export|memory|table)\b/.test(line)) continue;
    kept.push(line.replace(/\bcall \$?(?:env\.)?\w+/, (c) => named(c, names)).replace(/^ {2}/, ''));
  }
  return kept
    .join('\n')
    .replaceAll(/\(func \(;\d+;\) \(type 0\)/g, '(func')
    .replace(/\)+\s*$/, ')');
}

function named(call: string, names: readonly string[]): string {
  const m = /\bf(\d+)$|\b(\d+)$/.exec(call);
  const index = m ? Number(m[1] ?? m[2]) : -1;
  return index >= 0 && index < names.length ? `call ${names[index]}` : call;
}

fileTests(test, new URL('../../../test/jit/file-tests/wasm/', import.meta.url), (input) => {
  const { pc, words } = readCode(input);
  let slots = 1;
  const t = translate(
    pc,
    (at) => (words.has(at) ? decode(words.get(at)!) : undefined),
    { slotOf: () => slots++, wanted: () => false },
    null,
    {
      tso: true,
      multi: true,
      fma: false,
      fuel: 100,
      limits: { insns: 100, blocks: 10 },
      batch: 1,
      memoryPages: 1,
    },
  );
  return bodies(toText(t.bytes));
});
