/** A tool's host for tests of single blocks: a machine of its own, symbols from a table, and what was logged. */

import { T_TOOL_AREA, THREADS } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import type { Frame } from '../../src/image/image-set.js';
import { Interpreter } from '../../src/ir/interp.js';
import type { Block } from '../../src/ir/ir.js';
import { type ReportedError, resolveError } from '../../src/report/record.js';
import { announcementLines, errorLines } from '../../src/report/text.js';
import type { ErrorSink, Logger, MemorySource, SymbolSource, ToolHost } from '../../src/tools/api.js';

const TRACE = { numCallers: 12, showBelowMain: false, fullpathAfter: [], demangle: true };

/** Frames without symbols. */
function bareFrames(pcs: readonly number[], most = pcs.length): Frame[] {
  const nothing = { fn: null, obj: null, file: null, dir: null, line: 0, inlined: false };
  return pcs.slice(0, most).map((pc) => ({ pc, ...nothing }));
}

export interface FakeSymbols {
  /** Function names and where they begin; looked at anew each time. */
  functions?: Record<string, number>;
  /** Half-open range of the program's own code; all code is its own without one. */
  user?: readonly [number, number];
  /** Data symbols: address and size. */
  data?: Record<string, readonly [number, number]>;
}

export class FakeHost implements ToolHost {
  readonly machine: Machine;
  /** State of the only thread. */
  readonly ts = THREADS;
  readonly lines: string[] = [];
  readonly log: Logger = {
    verbosity: 1,
    user: (text = '') => void this.lines.push(...text.split('\n')),
    debug: () => undefined,
    client: () => undefined,
    raw: (text) => void this.lines.push(text),
  };
  readonly rt: Record<string, CallableFunction> = {};
  /** Reports every error as text, the same ones too; threads are announced once. */
  readonly errors: ErrorSink = {
    report: (found) => {
      const id = { unique: 1, tid: 1, tool: 'Fake', newThread: false };
      const error = resolveError(
        found,
        id,
        bareFrames,
        (n) => !this.announced.has(n) && !!this.announced.add(n),
      );
      this.found.push(error);
      this.lines.push(...announcementLines(error, TRACE), ...errorLines(error, TRACE));
    },
  };
  /** Everything that was reported. */
  readonly found: ReportedError[] = [];
  private readonly announced = new Set<number>();
  readonly memory: MemorySource = {
    word: () => null,
    host: () => 0,
    describe: () => 'nowhere',
    region: () => null,
    guest: (host) => host,
  };
  readonly symbols: SymbolSource;
  /** Set by tests that look at a report only; otherwise the thread's own counters are what is there. */
  totals: bigint[] | null = null;

  constructor(
    readonly options: Record<string, string>,
    symbols: FakeSymbols = {},
    shadowScale = 0,
  ) {
    this.machine = Machine.create(shadowScale);
    const functions = (): [string, number][] => Object.entries(symbols.functions ?? {});
    const data = Object.entries(symbols.data ?? {});
    this.symbols = {
      dataAddressesOf: () => [],
      addressesOf: (name) =>
        functions()
          .filter(([n]) => n === name)
          .map(([, addr]) => addr),
      functionAt: (pc) => {
        const below = functions()
          .filter(([, addr]) => addr <= pc)
          .sort((a, b) => b[1] - a[1])[0];
        return below ? { name: below[0], addr: below[1] } : null;
      },
      dataAt: (at) => {
        const found = data.find(([, [addr, size]]) => at >= addr && at < addr + size);
        return found ? { name: found[0], addr: found[1][0], obj: '/prog' } : null;
      },
      isUserCode: (pc) => symbols.user === undefined || (pc >= symbols.user[0] && pc < symbols.user[1]),
      traceLines: (pcs) =>
        pcs.map((pc, i) => `${i === 0 ? '   at' : '   by'} 0x${pc.toString(16).toUpperCase()}`),
    };
  }

  wrapAt(): void {}

  counterOffset(i: number): number {
    return T_TOOL_AREA + i * 8;
  }

  counter(i: number): bigint {
    if (this.totals) return this.totals[i] ?? 0n;
    return this.machine.i64[(this.ts + this.counterOffset(i)) >> 3]!;
  }

  /** Interprets a block; guest addresses are host addresses. */
  run(block: Block, x: Record<number, bigint> = {}): void {
    const interp = new Interpreter(this.machine, this.ts, {
      translate: (addr) => Number(addr),
      fp: () => {
        throw new Error('no floating point here');
      },
      call: () => 0n,
    });
    for (const [reg, v] of Object.entries(x)) interp.setReg(Number(reg), v);
    interp.run(block);
  }
}
