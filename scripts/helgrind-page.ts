/** docs/helgrind.md: what helgrind finds, and every difference to Valgrind's result, from test/guests/helgrind.json. */
import fs from 'node:fs';
import path from 'node:path';

/** What is read of test/guests/helgrind.json; test/support/helgrind-cases.ts says what it means. */
interface Case {
  readonly guest: string;
  readonly options?: readonly string[];
  readonly findings: readonly {
    readonly match: readonly string[];
    readonly least?: number;
    readonly most?: number;
  }[];
  readonly valgrind: readonly string[];
  readonly difference?: string;
  readonly right?: 'ours' | 'theirs' | 'taste';
}

const HEADINGS = {
  ours: 'Ours is right',
  theirs: "Valgrind's is right",
  taste: 'A matter of taste',
} as const;

const INTRODUCTION = `# Helgrind

\`capgrind --tool=helgrind PROGRAM\` finds data races, locks taken in orders that can deadlock, deadlocks, and misuse of
the thread library, in static and dynamic programs. Texts, options, suppressions and XML are Valgrind's;
\`--tool=helgrind --help\` lists the options.

## What orders accesses

- The functions of POSIX threads and C11 threads: creating and joining, mutexes, reader-writer and spin locks, condition
  variables, semaphores, barriers, once; clone and futex as such; the edges that a program states with client requests.
- Atomic instructions and fences, with the strength that they have: AMO and LR/SC with \`.aq\` and \`.rl\`; a store behind
  \`fence rw,w\` is a store-release, a load before \`fence r,rw\` a load-acquire, as compilers write them.
- Not: sleeping, pipes and sockets, relaxed atomics.

## What cannot be told from instructions

- A relaxed atomic store is an ordinary store. It is reported as the race that it would be if it were none; Valgrind's
  Helgrind does so too. \`VALGRIND_HG_DISABLE_CHECKING\` takes a variable out.
- A relaxed atomic load is an ordinary load. So an ordinary load does not race with an atomic store.

## Against Valgrind

Valgrind 3.27's Helgrind for riscv64 was run on the guests of \`test/guests/helgrind.json\`, dynamically linked.
Not counted as differences: names and lines inside the C library (Valgrind had its debug information), and small things
in reports that are the same otherwise. Lists of locks held name locks held for reading too; an invalid lock is described
by what lies at its address; \`--free-is-write=yes\` tells the block that was given back.`;

/** A regular expression as words: what a finding begins with. */
function words(pattern: string): string {
  return pattern
    .replace(/^\^|\$$/g, '')
    .replace(/\(read\|write\)/g, 'read or write')
    .replace(/0x(\[[^\]]*]\+)?/g, 'A')
    .replace(/\[(\d)(\d)\]/g, '$1 or $2')
    .replace(/\\d\+/g, 'N')
    .replace(/ \?$/, '')
    .replace(/\\(.)/g, '$1')
    .replace(/[ :]+$| at $/g, '')
    .replace(/ at$/, '');
}

const cell = (lines: readonly string[]): string =>
  lines.length === 0 ? 'nothing' : lines.map((l) => l.trim().replaceAll('|', '\\|')).join('<br>');

function ours(c: Case): string {
  return cell(c.findings.filter((f) => f.least !== 0).map((f) => words(f.match[0]!)));
}

/** First sentence of the comment that a guest's source begins with. */
function subject(root: string, guest: string): string {
  const { guests } = JSON.parse(fs.readFileSync(path.join(root, 'test/guests/guests.json'), 'utf8')) as {
    guests: { name: string; sources: string[] }[];
  };
  const source = guests.find((g) => g.name === guest)?.sources[0];
  if (source === undefined) throw new Error(`helgrind.json has a guest that guests.json has not: ${guest}`);
  const text = fs.readFileSync(path.join(root, 'test/guests/src', source), 'utf8');
  const comment = /^(?:\/\*\s*([\s\S]*?)\*\/|((?:\/\/.*\n)+))/.exec(text);
  const said = (comment?.[1] ?? comment?.[2] ?? '')
    .replace(/^\/\/ ?|^\s*\* /gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  return said.replaceAll('|', '\\|');
}

/** The page, made from the files below root. */
export function helgrindPage(root: string, generated: string): string {
  const { cases } = JSON.parse(fs.readFileSync(path.join(root, 'test/guests/helgrind.json'), 'utf8')) as {
    cases: Case[];
  };
  const other = cases.filter((c) => c.difference !== undefined);
  const lines = [
    generated,
    INTRODUCTION,
    `Of ${cases.length} cases ${cases.length - other.length} give the same findings; these differ:`,
  ];
  for (const right of ['ours', 'theirs', 'taste'] as const) {
    const rows = other.filter((c) => c.right === right);
    lines.push('', `### ${HEADINGS[right]}`, '');
    if (rows.length === 0) {
      lines.push('No case is known.');
      continue;
    }
    lines.push(
      '| guest | what it does | capgrind finds | Valgrind finds | why |',
      '| --- | --- | --- | --- | --- |',
    );
    for (const c of rows) {
      const name = [`\`${c.guest}\``, ...(c.options ?? []).map((o) => `\`${o}\``)].join('<br>');
      lines.push(
        `| ${name} | ${subject(root, c.guest)} | ${ours(c)} | ${cell(c.valgrind)} | ${c.difference} |`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
