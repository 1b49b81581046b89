/**
 * One L4 message as text: a request by its protocol table, a reply by the request it answers, and a fault or an
 * interrupt by its label. Pure: registers and UTCB words in, text out.
 */
import { readFields, type Value } from './fields.js';
import { findOp, operationNumber, protocolOf } from './find.js';
import { errorText, ipcErrorName, labelName } from './labels.js';
import { argumentsAt, type Op, type Protocol } from './types.js';
import { hex, parseBuffers, parseTag, receivedItemText, sendItemText, TAG_ERROR } from './wire.js';

/** What is known of a message: its tag, and as many message and buffer registers as the observer recorded. */
export interface Message {
  readonly tag: bigint;
  readonly mr: ArrayLike<bigint>;
  readonly br?: ArrayLike<bigint>;
  readonly bdr?: bigint;
}

export interface Request {
  /** Null for a label without a table. */
  readonly protocol: Protocol | null;
  /** Null for an operation that the protocol does not have. */
  readonly op: Op | null;
  readonly label: number;
  readonly code: number;
  /** `Task.map`, `Factory.create thread`, `Rm.operation 17`, `label 0x44`. */
  readonly name: string;
  readonly values: readonly Value[];
  readonly items: readonly string[];
  readonly buffers: readonly string[];
  /** `Task.unmap(mask=self, pages=[slot 0x1d WSR])`. */
  readonly text: string;
}

/** Words of the message that no table explains, at most four. */
function rawWords(message: Message, count: number): Value[] {
  const shown = Math.min(count, message.mr.length, 4);
  return Array.from({ length: shown }, (_, i) => ({ name: `mr${i}`, text: hex(message.mr[i]!) }));
}

function items(message: Message, words: number, count: number, received: boolean): string[] {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const word0 = message.mr[words + 2 * i];
    const word1 = message.mr[words + 2 * i + 1];
    if (word0 === undefined || word1 === undefined) texts.push('?');
    else texts.push(received ? receivedItemText(word0, word1) : sendItemText(word0, word1));
  }
  return texts;
}

/** Decodes a request as its sender made it, or with `received` as its receiver finds it. */
export function decodeRequest(message: Message, received = false): Request {
  const tag = parseTag(message.tag);
  const protocol = protocolOf(tag.label);
  const mr0 = message.mr[0] ?? 0n;
  const code = protocol ? operationNumber(protocol, tag.words, mr0) : 0;
  const op = protocol ? findOp(tag.label, code) : null;
  const values = op
    ? readFields(op.request, { count: tag.words, words: message.mr }, argumentsAt(protocol!.opcode))
    : rawWords(message, tag.words);
  const name = op
    ? `${protocol!.name}.${op.name}`
    : protocol
      ? `${protocol.name}.operation ${code}`
      : labelText(tag.label);
  const itemTexts = items(message, tag.words, tag.items, received);
  const buffers =
    received || !message.br ? [] : parseBuffers(message.br, Number((message.bdr ?? 0n) >> 10n) & 31);
  const windows =
    op?.gives === 'memory' && message.br ? parseBuffers(message.br, Number(message.bdr ?? 0n) & 31) : [];
  const shown = op?.gives === 'capability' ? buffers : windows;
  const args = values.map((v) => `${v.name}=${v.text}`).join(', ');
  const parts = [`${name}(${args})`];
  if (itemTexts.length) parts.push(`items [${itemTexts.join('; ')}]`);
  if (shown.length) parts.push(`into [${shown.map((b) => b.text).join('; ')}]`);
  return {
    protocol,
    op,
    label: tag.label,
    code,
    name,
    values,
    items: itemTexts,
    buffers: buffers.map((b) => b.text),
    text: parts.join(' '),
  };
}

/** `label TASK`, `label 0x44`, `message` for label 0. */
export function labelText(label: number): string {
  if (label === 0) return 'message';
  const name = labelName(label);
  if (name) return `label ${name}`;
  return label < 0 ? `label ${label}` : `label ${hex(label)}`;
}

/**
 * Decodes an answer. `request` is what it answers, null when that is not known; `error` the UTCB's error word, which
 * counts only if the tag says so; `received`: items as the receiver finds them.
 */
export function decodeReply(
  request: Request | null,
  message: Message,
  error: number,
  received: boolean,
): string {
  const tag = parseTag(message.tag);
  if (tag.flags & TAG_ERROR) return `IPC error ${error} (${ipcErrorName(error)})`;
  if (tag.label < 0 && tag.label > -4096) return errorText(tag.label);
  const op = request?.op ?? null;
  const values =
    op && op.reply.length > 0
      ? readFields(op.reply, { count: tag.words, words: message.mr }, 0).filter((v) => v.text !== 'missing')
      : rawWords(message, tag.words);
  const parts = [tag.label === 0 ? 'ok' : `${tag.label}`];
  if (values.length) parts.push(values.map((v) => `${v.name}=${v.text}`).join(', '));
  const texts = items(message, tag.words, tag.items, received);
  if (texts.length) parts.push(`[${texts.join('; ')}]`);
  return parts.join(' ');
}
