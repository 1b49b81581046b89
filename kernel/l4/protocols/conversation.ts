/**
 * Follows each thread from one system call to the next, so that an answer can be read by the request that it
 * answers: what a caller gets back by its own request, what a server sends back by the request it received last.
 */
import { decodeReply, decodeRequest, type Message, type Request } from './decode.js';
import { FIXED_SLOTS, ipcErrorName, LABEL } from './labels.js';
import {
  hex,
  OPEN_WAIT,
  operationName,
  parseSelector,
  parseTag,
  RECEIVE,
  REPLY,
  SEND,
  type Selector,
  TAG_ERROR,
  timeoutText,
} from './wire.js';

export interface Enter extends Message {
  /** Destination with operation bits, as in a1. */
  readonly selector: bigint;
  /** a2. */
  readonly timeouts: number;
}

export interface Leave extends Message {
  /** a3. */
  readonly label: bigint;
  /** The UTCB's error word. */
  readonly error: number;
}

export interface Line {
  readonly text: string;
  /** The request that this line sends, answers or receives. */
  readonly request: Request | null;
  /** A message arrived that was not asked for by a request of this thread: its label word. */
  readonly from: bigint | null;
}

interface ThreadState {
  /** Request sent by the call under way. */
  sent: Request | null;
  selector: Selector;
  /** Request that this thread received last and has not answered. */
  received: Request | null;
}

/** Name of the object that a selector means, as well as one thread can know it. */
export type NameOf = (thread: number, selector: Selector) => string | null;

export class Conversation {
  private readonly threads = new Map<number, ThreadState>();

  constructor(private readonly nameOf: NameOf = () => null) {}

  private state(thread: number): ThreadState {
    let state = this.threads.get(thread);
    if (!state) {
      state = { sent: null, selector: parseSelector(0n), received: null };
      this.threads.set(thread, state);
    }
    return state;
  }

  /** A system call is made. */
  enter(thread: number, call: Enter): Line {
    const state = this.state(thread);
    const selector = parseSelector(call.selector);
    state.selector = selector;
    const operation = operationName(selector.operation);
    const answers = (selector.operation & REPLY) !== 0;
    state.sent = null;
    if (!(selector.operation & SEND)) {
      if (answers)
        return { text: `${operation} ${this.destination(thread, selector)}`, request: null, from: null };
      const timeout = `timeout ${timeoutText(call.timeouts & 0xffff)}`;
      const waits = selector.space === 'self' && selector.operation === RECEIVE;
      const where = selector.operation & OPEN_WAIT ? '' : ` ${this.destination(thread, selector)}`;
      return { text: `${waits ? 'sleep' : `${operation}${where}`}, ${timeout}`, request: null, from: null };
    }
    if (answers || (selector.operation & OPEN_WAIT && state.received)) {
      const request = state.received;
      state.received = null;
      const reply = decodeReply(request, call, 0, false);
      const what = request ? ` to ${request.name}` : '';
      return { text: `${operation}${what}: ${reply}`, request, from: null };
    }
    const request = decodeRequest(call);
    state.sent = selector.operation & RECEIVE ? request : null;
    return {
      text: `${operation} ${this.destination(thread, selector)}: ${request.text}`,
      request,
      from: null,
    };
  }

  /** The call returns. */
  leave(thread: number, result: Leave): Line {
    const state = this.state(thread);
    const { selector, sent } = state;
    const tag = parseTag(result.tag);
    if (tag.flags & TAG_ERROR) {
      const text = `IPC error ${result.error} (${ipcErrorName(result.error)})`;
      return { text, request: sent, from: null };
    }
    if (!(selector.operation & RECEIVE)) return { text: 'sent', request: null, from: null };
    if (sent && !sent.op?.oneWay && !(selector.operation & OPEN_WAIT)) {
      return { text: decodeReply(sent, result, result.error, true), request: sent, from: null };
    }
    const request = decodeRequest(result, true);
    const notice = tag.words === 0 && tag.items === 0 && tag.label === LABEL.NONE;
    state.received = request;
    const text = notice
      ? `received from ${hex(result.label)}`
      : `received from ${hex(result.label)}: ${request.text}`;
    return { text, request, from: result.label };
  }

  private destination(thread: number, selector: Selector): string {
    const named = this.nameOf(thread, selector);
    if (named !== null) return named;
    switch (selector.space) {
      case 'self':
        return 'itself';
      case 'implicit-reply':
        return 'its caller';
      case 'reply':
        return `reply cap ${hex(selector.index)}`;
      case 'slot': {
        const fixed = FIXED_SLOTS[selector.index];
        return fixed ? `cap ${hex(selector.index)} (${fixed})` : `cap ${hex(selector.index)}`;
      }
    }
  }
}
