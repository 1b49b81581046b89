/**
 * Valgrind's XML protocol, version 6 (valgrind-facts 4): pieces of the document as text, in the order in which a run
 * writes them. Nothing here writes.
 */
import { hexAddress, shownName, type TraceOptions } from '../image/frames.js';
import type { Frame } from '../image/image-set.js';
import type { ReportedError, ReportedThread } from './record.js';
import { suppressionElement } from './suppressions/generate.js';

const PROTOCOL = 6;

/** Characters that XML gives a meaning. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'));
}

const element = (indent: number, name: string, value: string | number): string =>
  `${' '.repeat(indent)}<${name}>${escapeXml(String(value))}</${name}>\n`;

export interface XmlPreamble {
  readonly tool: string;
  /** The report's first lines. */
  readonly lines: readonly string[];
  readonly pid: number;
  readonly ppid: number;
  /** Variables that the names of output files were made with, and their values. */
  readonly qualifiers: readonly (readonly [string, string])[];
  /** Goes into the document as it is. */
  readonly userComment: string | null;
  /** This program and its options. */
  readonly vargv: readonly string[];
  /** The guest and its arguments. */
  readonly argv: readonly string[];
}

/** Everything up to the state RUNNING. */
export function xmlPreamble(p: XmlPreamble): string {
  const args = (name: string, words: readonly string[]): string =>
    `  <${name}>\n${words.map((w, i) => element(4, i === 0 ? 'exe' : 'arg', w)).join('')}  </${name}>\n`;
  return [
    '<?xml version="1.0"?>\n\n<valgrindoutput>\n\n',
    element(0, 'protocolversion', PROTOCOL),
    element(0, 'protocoltool', p.tool),
    `\n<preamble>\n${p.lines.map((l) => element(2, 'line', l)).join('')}</preamble>\n\n`,
    element(0, 'pid', p.pid),
    element(0, 'ppid', p.ppid),
    element(0, 'tool', p.tool),
    ...p.qualifiers.map(
      ([name, value]) =>
        `<logfilequalifier> <var>${escapeXml(name)}</var> <value>${escapeXml(value)}</value> </logfilequalifier>\n`,
    ),
    p.userComment === null ? '' : `<usercomment>${p.userComment}</usercomment>\n`,
    `\n<args>\n${args('vargv', p.vargv)}${args('argv', p.argv)}</args>\n\n`,
  ].join('');
}

/** @param ms since the start */
export function xmlStatus(state: 'RUNNING' | 'FINISHED', ms: number): string {
  return `<status>\n${element(2, 'state', state)}${element(2, 'time', `${elapsed(ms)} `)}</status>\n\n`;
}

/** Days, hours, minutes, seconds and milliseconds. */
function elapsed(ms: number): string {
  const two = (v: number): string => String(Math.floor(v)).padStart(2, '0');
  const s = ms / 1000;
  const millis = String(Math.floor(ms) % 1000).padStart(3, '0');
  return `${two(s / 86400)}:${two((s / 3600) % 24)}:${two((s / 60) % 60)}:${two(s % 60)}.${millis}`;
}

function frameElement(indent: number, f: Frame, options: TraceOptions): string {
  const fn = shownName(f, options);
  const facts: [string, string | number | null][] = [
    ['ip', hexAddress(f.pc)],
    ['obj', f.obj],
    ['fn', fn],
    ['dir', f.file === null ? null : f.dir],
    ['file', f.file],
    ['line', f.file === null ? null : f.line],
  ];
  const inner = facts.map(([n, v]) => (v === null ? '' : element(indent + 2, n, v))).join('');
  return `${' '.repeat(indent)}<frame>\n${inner}${' '.repeat(indent)}</frame>\n`;
}

function stackElement(indent: number, frames: readonly Frame[], options: TraceOptions): string {
  const pad = ' '.repeat(indent);
  return `${pad}<stack>\n${frames.map((f) => frameElement(indent + 2, f, options)).join('')}${pad}</stack>\n`;
}

function announcement(t: ReportedThread, options: TraceOptions): string {
  const how = t.created === null ? '  <isrootthread></isrootthread>\n' : stackElement(2, t.created, options);
  return `<announcethread>\n${element(2, 'hthreadid', t.number)}${how}</announcethread>\n\n`;
}

/** An error, with the announcements of its threads before it and, if asked for, the suppression that hides it. */
export function xmlError(error: ReportedError, options: TraceOptions, suppression: boolean): string {
  const parts = error.parts.map((p) => {
    if (p.part === 'line' || p.only === 'text') return '';
    if (p.part === 'stack') return stackElement(2, p.frames, options);
    const name = p.part === 'what' ? 'what' : 'auxwhat';
    if (!p.facts) return element(2, name, p.text);
    const facts = p.facts.map(([n, v]) => element(4, n, v)).join('');
    return `  <x${name}>\n${element(4, 'text', p.text)}${facts}  </x${name}>\n`;
  });
  return [
    ...error.threads.map((t) => announcement(t, options)),
    '<error>\n',
    element(2, 'unique', `0x${error.unique.toString(16)}`),
    element(2, 'tid', error.tid),
    element(2, 'kind', error.xmlKind),
    ...parts,
    suppression ? suppressionXml(error, options.showBelowMain) : '',
    '</error>\n\n',
  ].join('');
}

function suppressionXml(error: ReportedError, showBelowMain: boolean): string {
  const s = suppressionElement(error, showBelowMain);
  return [
    '  <suppression>\n',
    element(4, 'sname', s.sname),
    element(4, 'skind', s.skind),
    s.skaux === null ? '' : element(4, 'skaux', s.skaux),
    ...s.sframes.map((f) => `    <sframe> <${f.by}>${escapeXml(f.pattern)}</${f.by}> </sframe>\n`),
    // A CDATA section cannot hold its own end.
    `    <rawtext>\n<![CDATA[\n${s.rawtext.replaceAll(']]>', ']]]]><![CDATA[>')}]]>\n    </rawtext>\n`,
    '  </suppression>\n',
  ].join('');
}

/** A message that the guest asked for. */
export function xmlClientMessage(
  tid: number,
  text: string,
  frames: readonly Frame[],
  o: TraceOptions,
): string {
  const stack = frames.length === 0 ? '' : stackElement(2, frames, o);
  return `<clientmsg>\n${element(2, 'tid', tid)}${element(2, 'text', text)}${stack}</clientmsg>\n\n`;
}

export interface XmlSignal {
  readonly tid: number;
  readonly signo: number;
  readonly name: string;
  readonly code: number;
  /** What happened, in words; null for a signal that somebody sent. */
  readonly event: string | null;
  readonly addr: number;
  readonly frames: readonly Frame[];
}

/** The signal that ends the program. */
export function xmlFatalSignal(s: XmlSignal, options: TraceOptions): string {
  return [
    '<fatal_signal>\n',
    element(2, 'tid', s.tid),
    element(2, 'signo', s.signo),
    element(2, 'signame', s.name),
    element(2, 'sicode', s.code),
    ...(s.event === null ? [] : [element(2, 'event', s.event), element(2, 'siaddr', hexAddress(s.addr))]),
    stackElement(2, s.frames, options),
    '</fatal_signal>\n\n',
  ].join('');
}

/** How often each error was found, rarest first. */
export function xmlErrorCounts(errors: readonly { count: number; unique: number }[]): string {
  return pairs(
    'errorcounts',
    errors.map((e) => [e.count, 'unique', `0x${e.unique.toString(16)}`]),
  );
}

/** How often each suppression hid an error. */
export function xmlSuppCounts(used: readonly { uses: number; name: string }[]): string {
  return pairs(
    'suppcounts',
    used.map((s) => [s.uses, 'name', s.name]),
  );
}

function pairs(name: string, list: readonly (readonly [number, string, string])[]): string {
  const inner = list.map(
    ([count, of, value]) => `  <pair>\n${element(4, 'count', count)}${element(4, of, value)}  </pair>\n`,
  );
  return `<${name}>\n${inner.join('')}</${name}>\n\n`;
}

export interface ErrorTotals {
  readonly found: number;
  readonly foundContexts: number;
  readonly suppressed: number;
  readonly suppressedContexts: number;
}

export function xmlErrorSummary(t: ErrorTotals): string {
  return [
    '<error_summary>\n',
    element(2, 'errors', t.found),
    element(2, 'error_contexts', t.foundContexts),
    element(2, 'suppressed', t.suppressed),
    element(2, 'suppressed_contexts', t.suppressedContexts),
    '</error_summary>\n\n',
  ].join('');
}

export const XML_END = '</valgrindoutput>\n';
