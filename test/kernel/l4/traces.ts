/** Reads the recorded system call traces of the real kernel (../shared/data/l4-traces), where they are at hand. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Enter, Leave } from '../../../kernel/l4/protocols/conversation.js';
import { ROOT } from '../../support/capgrind.js';

export type TraceLine =
  | { readonly kind: 'enter'; readonly thread: number; readonly call: Enter; readonly raw: string }
  | { readonly kind: 'leave'; readonly thread: number; readonly result: Leave; readonly raw: string };

const FOLDER = [join(ROOT, '../shared'), join(ROOT, '../../shared')]
  .map((shared) => join(shared, 'data/l4-traces'))
  .find((folder) => existsSync(folder));

const words = (text: string): bigint[] => text.split(',').map((word) => BigInt(`0x${word}`));

/** Calls and returns of a trace in order, null when the recordings are not here. */
export function readTrace(name: string): TraceLine[] | null {
  if (!FOLDER) return null;
  return parseTrace(gunzipSync(readFileSync(join(FOLDER, `${name}.log.gz`))).toString('latin1'));
}

export function parseTrace(text: string): TraceLine[] {
  const lines: TraceLine[] = [];
  const call =
    /@C ([0-9a-f]+) ref=([0-9a-f]+) tag=([0-9a-f]+) to=([0-9a-f]+) fs=\S+ mr=(\S+) bdr=([0-9a-f]+) br=(\S+) o=/;
  const back = /@R ([0-9a-f]+) tag=([0-9a-f]+) lbl=([0-9a-f]+) mr=(\S+) err=([0-9a-f]+)/;
  for (const raw of text.split('\n')) {
    const c = call.exec(raw);
    const r = back.exec(raw);
    if (c) {
      const [, thread, selector, tag, timeouts, mr, bdr, br] = c;
      lines.push({
        kind: 'enter',
        thread: Number.parseInt(thread!, 16),
        raw,
        call: {
          selector: BigInt(`0x${selector}`),
          tag: BigInt(`0x${tag}`),
          timeouts: Number.parseInt(timeouts!, 16),
          mr: words(mr!),
          bdr: BigInt(`0x${bdr}`),
          br: words(br!),
        },
      });
    } else if (r) {
      const [, thread, tag, label, mr, error] = r;
      lines.push({
        kind: 'leave',
        thread: Number.parseInt(thread!, 16),
        raw,
        result: {
          tag: BigInt(`0x${tag}`),
          label: BigInt(`0x${label}`),
          mr: words(mr!),
          error: Number.parseInt(error!, 16),
        },
      });
    }
  }
  return lines;
}
