/** The report of a signal that ends the program, in Valgrind's words (valgrind-facts 2.7). */
import { signalName } from '../../kernel/linux/signal-queue.js';
import { hexAddress, type TraceOptions } from '../image/frames.js';
import type { Frame } from '../image/image-set.js';
import type { Log } from './log.js';
import { xmlFatalSignal } from './xml.js';

export interface FatalSignal {
  signo: number;
  code: number;
  addr: number;
  pc: number;
}

export function reportFatal(
  log: Log,
  trap: FatalSignal,
  trace: readonly string[],
  codeBytes: (pc: number) => number[],
): void {
  const lines: string[] = [];
  if (trap.signo === 4 && trap.code > 0) {
    const bytes = codeBytes(trap.pc).map((b) => `0x${b.toString(16).toUpperCase().padStart(2, '0')}`);
    lines.push(
      `capgrind: Unrecognised instruction at address ${hexAddress(trap.pc)}: bytes ${bytes.join(' ')}`,
      ...trace,
    );
  }
  lines.push(
    '',
    `Process terminating with default action of signal ${trap.signo} (${signalName(trap.signo)})`,
  );
  const detail = detailOf(trap);
  if (detail) lines.push(` ${detail} at address ${hexAddress(trap.addr)}`);
  lines.push(...trace);
  if (trap.signo === 11 && trap.code === 1) {
    lines.push(
      ' If you believe this happened as a result of a stack',
      " overflow in your program's main thread (unlikely but",
      ' possible), you can try to increase the size of the',
      ' main thread stack. Its size in this run was 8388608.',
    );
  }
  log.user(lines.join('\n'));
}

/** The same as an element of the XML form. */
export function fatalXml(
  trap: FatalSignal,
  tid: number,
  frames: readonly Frame[],
  options: TraceOptions,
): string {
  const event = detailOf(trap);
  return xmlFatalSignal(
    {
      tid,
      signo: trap.signo,
      name: signalName(trap.signo),
      code: trap.code,
      event: event === '' ? null : event,
      addr: trap.addr,
      frames,
    },
    options,
  );
}

function detailOf(t: FatalSignal): string {
  if (t.code <= 0) return '';
  if (t.signo === 11)
    return t.code === 2 ? 'Bad permissions for mapped region' : 'Access not within mapped region';
  if (t.signo === 7) return t.code === 1 ? 'Invalid address alignment' : 'Non-existent physical address';
  if (t.signo === 4) return 'Illegal opcode';
  return '';
}
