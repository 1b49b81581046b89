/** The XML form: the structure of protocol 6 as the fact sheet has it, checked on a whole document made by hand. */
import test from 'ava';
import type { ReportedError } from '../../src/report/record.js';
import {
  escapeXml,
  XML_END,
  xmlClientMessage,
  xmlError,
  xmlErrorCounts,
  xmlErrorSummary,
  xmlFatalSignal,
  xmlPreamble,
  xmlStatus,
  xmlSuppCounts,
} from '../../src/report/xml.js';
import { frame, frames, OPTIONS, reported } from './frames.js';
import { checkProtocol, parseXml, textOf } from './protocol.js';

const race: ReportedError = reported({
  unique: 26,
  tid: 2,
  tool: 'Helgrind',
  frames: frames('_ZN1A1fEv@/p@a.c:7', '@/lib/x.so', ''),
  threads: [
    { number: 3, created: frames('clone@/lib/c.so') },
    { number: 1, created: null },
  ],
  parts: [
    { part: 'line', text: '----' },
    { part: 'what', text: 'Race <b> & "c"', facts: [['hthreadid', 3]] },
    { part: 'line', text: 'Locks held: none' },
    { part: 'stack', frames: frames('_ZN1A1fEv@/p@a.c:7', '@/lib/x.so', '') },
    { part: 'aux', text: 'only text', only: 'text' },
    { part: 'stack', frames: frames('hidden'), only: 'text' },
    { part: 'aux', text: 'conflicts', indent: 0, facts: [['hthreadid', 1]] },
    { part: 'stack', frames: [frame('g<int>@/p')] },
    { part: 'aux', text: 'Address 0x10 is nowhere' },
  ],
});

function wholeDocument(errors: string): string {
  return [
    xmlPreamble({
      tool: 'helgrind',
      lines: ['Helgrind, a', 'b', 'c', 'Command: ./p \\<'],
      pid: 12,
      ppid: 11,
      qualifiers: [['HOME', '/a&b']],
      userComment: '<mine>as it is</mine>',
      vargv: ['/bin/capgrind', '--xml=yes'],
      argv: ['./p', '<&>'],
    }),
    xmlStatus('RUNNING', 133.9),
    errors,
    xmlStatus('FINISHED', 90061234),
    xmlErrorCounts([{ count: 4, unique: 26 }]),
    xmlSuppCounts([{ uses: 2, name: 'a < b' }]),
    xmlErrorSummary({ found: 4, foundContexts: 1, suppressed: 2, suppressedContexts: 1 }),
    XML_END,
  ].join('');
}

test('a document has the structure of the protocol', (t) => {
  const text = wholeDocument(xmlError(race, OPTIONS, true));
  t.deepEqual(checkProtocol(text), []);
  const doc = parseXml(text);
  t.is(textOf(doc, 'protocolversion'), '6');
  t.is(textOf(doc, 'protocoltool'), 'helgrind');
  t.deepEqual(
    doc.all('status').map((s) => [textOf(s, 'state'), textOf(s, 'time')]),
    [
      ['RUNNING', '00:00:00:00.133 '],
      ['FINISHED', '01:01:01:01.234 '],
    ],
  );
  t.is(textOf(doc, 'usercomment/mine'), 'as it is');
  t.is(textOf(doc, 'args/argv/arg'), '<&>');
  t.is(textOf(doc, 'logfilequalifier/value'), '/a&b');
  t.is(textOf(doc, 'errorcounts/pair/unique'), '0x1a');
  t.is(textOf(doc, 'suppcounts/pair/name'), 'a < b');
});

test('an error: announcements, kind, sentences and stacks in order, suppression last', (t) => {
  const doc = parseXml(wholeDocument(xmlError(race, OPTIONS, true)));
  const [third, root] = doc.all('announcethread');
  t.is(textOf(third!, 'hthreadid'), '3');
  t.is(third!.all('stack').length, 1);
  t.is(root!.all('isrootthread').length, 1);
  const error = doc.all('error')[0]!;
  t.deepEqual(
    error.children.map((c) => c.name),
    ['unique', 'tid', 'kind', 'xwhat', 'stack', 'xauxwhat', 'stack', 'auxwhat', 'suppression'],
  );
  t.is(textOf(error, 'xwhat/text'), 'Race <b> & "c"');
  t.is(textOf(error, 'xwhat/hthreadid'), '3');
  const [first, second, third2] = error.all('stack')[0]!.children;
  t.deepEqual(
    first!.children.map((c) => [c.name, c.text]),
    [
      ['ip', '0x1000'],
      ['obj', '/p'],
      ['fn', 'A::f()'],
      ['dir', '/src'],
      ['file', 'a.c'],
      ['line', '7'],
    ],
  );
  t.deepEqual(
    second!.children.map((c) => c.name),
    ['ip', 'obj'],
  );
  t.deepEqual(
    third2!.children.map((c) => c.name),
    ['ip'],
  );
  const s = error.all('suppression')[0]!;
  t.is(textOf(s, 'skind'), 'Helgrind:Race');
  t.deepEqual(
    s.all('sframe').map((f) => [f.children[0]!.name, f.children[0]!.text]),
    [
      ['fun', '_ZN1A1fEv'],
      ['obj', '/lib/x.so'],
      ['obj', '*'],
    ],
  );
  t.regex(textOf(s, 'rawtext'), /^\s+\{\n {3}<insert_a_suppression_name_here>\n {3}Helgrind:Race\n/);
});

test('without suppression none is written', (t) => {
  t.false(xmlError(race, OPTIONS, false).includes('<suppression>'));
});

test('signals and messages of the guest', (t) => {
  const signal = {
    tid: 1,
    signo: 11,
    name: 'SIGSEGV',
    code: 1,
    event: 'Access',
    addr: 0xab,
    frames: frames('f'),
  };
  const text = wholeDocument(
    xmlClientMessage(2, 'a <b>', frames('f@/p'), OPTIONS) + xmlFatalSignal(signal, OPTIONS),
  );
  t.deepEqual(checkProtocol(text), []);
  const doc = parseXml(text);
  t.is(textOf(doc, 'clientmsg/text'), 'a <b>');
  t.is(textOf(doc, 'fatal_signal/siaddr'), '0xAB');
  const sent = xmlFatalSignal({ ...signal, event: null }, OPTIONS);
  t.false(/event|siaddr/.test(sent));
});

test('what XML gives a meaning is escaped, and nothing ends a CDATA section early', (t) => {
  t.is(escapeXml('a<b>&c"\''), 'a&lt;b&gt;&amp;c"\'');
  const odd = { ...race, frames: [frame('x]]>y@/p')] };
  const doc = parseXml(wholeDocument(xmlError(odd, OPTIONS, true)));
  t.true(textOf(doc, 'error/suppression/rawtext').includes('fun:x]]>y\n'));
});

test('the check of the structure notices what does not belong', (t) => {
  const good = wholeDocument(xmlError(race, OPTIONS, false));
  t.deepEqual(checkProtocol(good), []);
  for (const [from, to] of [
    ['<tid>2</tid>', ''],
    ['<kind>Race</kind>', '<kynd>Race</kynd>'],
    ['<unique>0x1a</unique>\n  <tid>', '<unique>26</unique>\n  <tid>'],
    ['<state>FINISHED</state>', '<state>DONE</state>'],
    ['<obj>/p</obj>', '<line>3</line><obj>/p</obj>'],
    ['</errorcounts>', ''],
  ] as const) {
    t.not(good.replace(from, to), good);
    t.not(checkProtocol(good.replace(from, to)).length, 0, from);
  }
});
