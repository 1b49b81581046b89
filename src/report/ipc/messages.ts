/** Decodes an IPC trace: lines of text, and messages between threads for the sequence diagram. */
import { Conversation } from '../../../kernel/l4/protocols/conversation.js';
import { LABEL } from '../../../kernel/l4/protocols/labels.js';
import {
  parseSelector,
  parseTag,
  RECEIVE,
  REPLY,
  SEND,
  TAG_ERROR,
} from '../../../kernel/l4/protocols/wire.js';
import type { IpcEvent, IpcTrace } from './read.js';

/** Who takes part: a thread by its number, or the kernel. */
export const KERNEL = 0;

export interface SequenceMessage {
  /** Milliseconds since the first event. */
  readonly time: number;
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** An answer. */
  readonly reply: boolean;
  readonly error: boolean;
}

export interface Decoded {
  readonly lines: readonly string[];
  readonly messages: readonly SequenceMessage[];
}

/** `3 (rom/hello)`: number of a thread, its name or that of its task. */
export function threadName(trace: IpcTrace, thread: number): string {
  if (thread === KERNEL) return 'kernel';
  const known = trace.threads.get(thread);
  const name = known && (trace.objectNames.get(known.object) ?? trace.taskNames.get(known.task));
  return name ? `${thread} (${name})` : `${thread}`;
}

/** A send that no receiver has shown yet. */
interface Open {
  readonly event: IpcEvent & { is: 'enter' };
  readonly text: string;
  readonly reply: boolean;
}

export function decodeTrace(trace: IpcTrace): Decoded {
  const conversation = new Conversation();
  const lines: string[] = [];
  const messages: SequenceMessage[] = [];
  const open: Open[] = [];
  const start = trace.events[0]?.time ?? 0;
  /** Calls to the kernel's objects that wait for their answer, by thread. */
  const kernelCalls = new Set<number>();
  for (const event of trace.events) {
    const time = event.time - start;
    const enter = event.is === 'enter';
    const line = enter
      ? conversation.enter(event.thread, event.call)
      : conversation.leave(event.thread, event.result);
    const stamp = time.toFixed(3).padStart(10);
    lines.push(`${stamp} ${enter ? '>' : '<'} ${threadName(trace, event.thread)} ${line.text}`);
    if (enter) {
      const selector = parseSelector(event.call.selector);
      kernelCalls.delete(event.thread);
      if (!(selector.operation & SEND)) continue;
      const text = line.text.slice(line.text.indexOf(': ') + 2);
      const reply = (selector.operation & REPLY) !== 0;
      if (!reply && (event.object === 0 || isKernels(event))) {
        messages.push({
          time,
          from: event.thread,
          to: KERNEL,
          text,
          reply: false,
          error: event.object === 0,
        });
        if (selector.operation & RECEIVE) kernelCalls.add(event.thread);
      } else {
        open.push({ event, text, reply });
        if (open.length > 256) open.shift();
      }
      continue;
    }
    const error = (parseTag(event.result.tag).flags & TAG_ERROR) !== 0;
    if (kernelCalls.delete(event.thread)) {
      messages.push({ time, from: KERNEL, to: event.thread, text: line.text, reply: true, error });
      continue;
    }
    if (error || line.text === 'sent') continue;
    const sent = takeMatching(open, event);
    if (sent) {
      messages.push({
        time,
        from: sent.event.thread,
        to: event.thread,
        text: sent.text,
        reply: sent.reply,
        error: false,
      });
    } else if (line.from !== null) {
      // An interrupt, or a message of the kernel such as a page fault.
      messages.push({ time, from: KERNEL, to: event.thread, text: line.text, reply: false, error: false });
    }
  }
  return { lines, messages };
}

/** Whether a request goes to an object of the kernel rather than to another thread. */
function isKernels(event: IpcEvent & { is: 'enter' }): boolean {
  if (event.kind === 'gate' || event.kind === 'service') return event.kind === 'service';
  if (event.kind !== 'thread') return true;
  // Operations on a thread carry the label THREAD; anything else is a message to it.
  return parseTag(event.call.tag).label === LABEL.THREAD;
}

/** The oldest open send of another thread with this message: same label and words, as far as they are known. */
function takeMatching(open: Open[], event: IpcEvent & { is: 'leave' }): Open | null {
  const tag = parseTag(event.result.tag);
  const i = open.findIndex(({ event: sent }) => {
    if (sent.thread === event.thread) return false;
    const t = parseTag(sent.call.tag);
    if (t.label !== tag.label || t.words !== tag.words || t.items !== tag.items) return false;
    const known = Math.min(tag.words, sent.call.mr.length, event.result.mr.length);
    for (let k = 0; k < known; k++) if (sent.call.mr[k] !== event.result.mr[k]) return false;
    return true;
  });
  return i < 0 ? null : open.splice(i, 1)[0]!;
}
