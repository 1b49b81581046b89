/** --dump: shows the code of a function instead of running the program, at one stage of its translation. */
import { ACCESS_EXEC, G_FUEL, WASM_PAGES } from '../../kernel/core/layout.js';
import { codeHalf, fetchInsn } from '../engine/code-fetch.js';
import type { RunConfig } from '../engine/config.js';
import type { MainProcess, RunResult } from '../engine/main-process.js';
import { Symbols } from '../engine/symbols.js';
import { TRANSLATION } from '../engine/worker-process.js';
import type { Block } from '../ir/ir.js';
import { optimise } from '../ir/opt.js';
import { printBlock } from '../ir/print.js';
import { disasm } from '../isa/disasm.js';
import { hasFusedMadd } from '../jit/fma.js';
import { discover, type Fetch, type Region } from '../jit/region.js';
import { type Instrument, type TranslateOptions, translate } from '../jit/translate.js';
import { moduleText } from '../jit/wat.js';
import { type Options, UsageError } from './options.js';

const STAGES = ['guest', 'ir', 'instrumented', 'wasm'] as const;
type Stage = (typeof STAGES)[number];

/**
 * Prints on standard output the regions headed at --dump-at (default: the function main, else the entry point) of
 * the loaded program. Throws UsageError for a stage, function or address that there is none of.
 */
export function dumpCode(main: MainProcess, config: RunConfig, o: Options): RunResult {
  const stage = stageOf(o.dump);
  const code = new Code(main, config, o.program ?? '');
  const texts = code.heads(o.dumpAt).map((head) => code.text(head, stage));
  // A reader that has seen enough, such as head(1), is no failure.
  process.stdout.on('error', () => undefined);
  process.stdout.write(texts.join('\n'));
  return { status: 0, signal: 0 };
}

function stageOf(given: string | undefined): Stage {
  if (given === undefined) throw new UsageError('--dump-at needs --dump=guest, ir, instrumented or wasm');
  const stage = STAGES.find((s) => s === given);
  if (!stage) throw new UsageError(`Bad option: --dump=${given} (guest, ir, instrumented or wasm)`);
  return stage;
}

class Code {
  private readonly symbols: Symbols;
  private readonly fetch: Fetch = (pc) => fetchInsn((at) => this.half(at), pc);

  constructor(
    private readonly main: MainProcess,
    config: RunConfig,
    private readonly program: string,
  ) {
    this.symbols = new Symbols(config);
  }

  /** Where to start, by --dump-at. */
  heads(at: string | undefined): number[] {
    if (at === undefined) {
      const found = this.symbols.addressesOf('main');
      return found.length > 0 ? found : [this.main.entry];
    }
    if (/^0x/i.test(at)) {
      if (!/^0x[0-9a-f]+$/i.test(at)) {
        throw new UsageError(`Bad option: --dump-at=${at} (a function or 0xADDRESS)`);
      }
      const pc = Number(at);
      // Instructions lie at even addresses; a head that is none would show the code of its neighbour.
      if (pc % 2 !== 0 || this.half(pc) < 0) throw new UsageError(`no code at ${at} in ${this.program}`);
      return [pc];
    }
    const found = this.symbols.addressesOf(at).filter((pc) => this.half(pc) >= 0);
    if (found.length === 0) throw new UsageError(`no function named ${at} in ${this.program}`);
    return found;
  }

  text(head: number, stage: Stage): string {
    const title = `# ${stage} code at ${this.place(head)}\n`;
    if (stage === 'wasm') return `${title.replace('#', ';;')}${this.wasm(head)}`;
    const region = discover(head, this.fetch, TRANSLATION.limits);
    return `${title}${this.blocks(region, stage).join('\n')}`;
  }

  private blocks(region: Region, stage: Stage): string[] {
    const blocks = region.blocks.toSorted((a, b) => a.pc - b.pc);
    if (stage === 'guest') return blocks.map((b) => this.guest(b));
    const plain = blocks.map((b) => optimise(b));
    const add = stage === 'ir' ? null : this.instrument();
    return (add ? plain.map((b) => optimise(add(b))) : plain).map(printBlock);
  }

  private wasm(head: number): string {
    let slots = 1;
    const source = { slotOf: () => slots++, wanted: () => false };
    return moduleText(translate(head, this.fetch, source, this.instrument(), this.options()).bytes);
  }

  /** As a run translates, except that callees stay out: only what was asked for is shown. */
  private options(): TranslateOptions {
    const { machine } = this.main;
    return {
      limits: TRANSLATION.limits,
      batch: 1,
      fma: hasFusedMadd(machine.memory, WASM_PAGES),
      multi: false,
      tso: process.arch === 'x64',
      fuel: machine.i32[G_FUEL >> 2]!,
      memoryPages: WASM_PAGES,
    };
  }

  private instrument(): Instrument | null {
    return this.main.toolRuntime().instrument();
  }

  /** One block: address, encoding, and text of each instruction; calls with the name of the function. */
  private guest(b: Block): string {
    const lines: string[] = [];
    for (let pc = b.pc; pc < b.pc + Math.max(b.len, 2); ) {
      const insn = this.fetch(pc) ?? null;
      const low = this.half(pc);
      const size = (low & 3) === 3 ? 4 : 2;
      const raw = size === 4 ? (low | (this.half(pc + 2) << 16)) >>> 0 : low;
      const callee = insn?.op === 'jal' && insn.rd !== 0 ? ` <${this.name(pc + insn.imm)}>` : '';
      const bytes = raw.toString(16).padStart(size * 2, '0');
      lines.push(`${pc.toString(16).padStart(8)}:  ${bytes.padEnd(8)}  ${disasm(insn, pc, raw)}${callee}\n`);
      pc += size;
    }
    return lines.join('');
  }

  private place(pc: number): string {
    return `0x${pc.toString(16)} <${this.name(pc)}>`;
  }

  private name(pc: number): string {
    const f = this.symbols.functionAt(pc);
    if (!f) return '?';
    return f.addr === pc ? f.name : `${f.name}+0x${(pc - f.addr).toString(16)}`;
  }

  /** The 16 bits at a guest address, whose page is brought in as the program's first execution would; -1 for none. */
  private half(pc: number): number {
    const { machine, space } = this.main;
    const present = codeHalf(machine, space, pc);
    if (present >= 0) return present;
    space.fault(pc, ACCESS_EXEC);
    return codeHalf(machine, space, pc);
  }
}
