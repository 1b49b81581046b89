/**
 * Text in, text out: a file holds cases of the form
 *
 *     === what the case shows
 *     input
 *     ---
 *     expected output
 *
 * `UPDATE=1` writes the actual output into the files, to be read and judged before it is kept.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestFn } from 'ava';

interface Case {
  title: string;
  input: string;
  expected: string;
}

function split(text: string): { head: string; cases: Case[] } {
  const [head = '', ...rest] = text.split(/^=== /m);
  const cases = rest.map((part) => {
    const [first = '', ...lines] = part.split('\n');
    const [input = '', expected = ''] = lines.join('\n').split(/^---\n/m);
    return { title: first.trim(), input, expected: `${expected.trimEnd()}\n` };
  });
  return { head, cases };
}

/** Registers one test per case of every `*.txt` file in `folder`, a URL that ends with a slash. */
export function fileTests(test: TestFn, folder: URL, run: (input: string) => string): void {
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.txt'))) {
    const at = new URL(file, folder);
    const { head, cases } = split(readFileSync(at, 'utf8'));
    if (process.env['UPDATE']) {
      const parts = cases.map((c) => `=== ${c.title}\n${c.input}---\n${run(c.input).trimEnd()}\n\n`);
      writeFileSync(at, `${(head + parts.join('')).trimEnd()}\n`);
    }
    for (const c of cases) {
      test(`${file}: ${c.title}`, (t) => {
        t.is(`${run(c.input).trimEnd()}\n`, c.expected);
      });
    }
  }
}

/** Instruction words of an input: `@hex` sets the address, a line starts with an encoding, `#` starts a comment. */
export function readCode(input: string): { pc: number; words: Map<number, number> } {
  const words = new Map<number, number>();
  let at = 0x1000;
  let first: number | undefined;
  for (const line of input.split('\n')) {
    const text = line.replace(/#.*/, '').trim();
    if (text === '') continue;
    if (text.startsWith('@')) {
      at = Number.parseInt(text.slice(1), 16);
      continue;
    }
    first ??= at;
    words.set(at, Number.parseInt(text, 16));
    at += text.length / 2;
  }
  return { pc: first ?? at, words };
}
