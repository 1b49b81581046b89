/**
 * CapCheck: what a program of Fiasco.OC and L4Re does wrong with capabilities. It follows every slot from its allocation
 * over what fills and empties it to its free, and every call through it.
 */

import { THREADS } from '../../../kernel/core/layout.js';
import { type Block, c64 } from '../../ir/ir.js';
import type { Tool, ToolHost, ToolInstance, Wrap } from '../api.js';
import { BlockEditor } from '../edit.js';
import { KINDS } from './findings.js';
import { graphFiles } from './graph.js';
import { slotWraps } from './hooks.js';
import { Interval, intervalLines } from './interval.js';
import { leakCheck } from './leaks.js';
import { errorOf, summaryLines } from './report.js';
import { Watcher } from './watch.js';

/** Client requests: `CC`, 0 checks for leaks now. */
const REQUEST_LEAK_CHECK = 0x43430000;
/** A signal from outside that asks for the same. */
const SIGNAL_LEAK_CHECK = 'SIGUSR1';

const capcheck: Tool = {
  name: 'capcheck',
  title: 'CapCheck, a capability error detector',
  copyright: 'capgrind, after an idea of the TU Dresden port of Valgrind to L4Re',
  atomicity: 'access',
  shadowScale: 0,
  findsErrors: true,
  suppressions: { tool: 'CapCheck', kinds: KINDS },
  options: {
    'leak-check': { describe: 'look for slots that are not freed: no, or yes', default: 'yes' },
    'leak-check-interval': {
      describe: 'seconds between reports of slots in use while it runs; 0 for none',
      default: '0',
    },
    'allow-overmap': {
      describe: 'pattern of functions that put capabilities over others on purpose',
      default: '',
    },
    'cap-graph': {
      describe: 'file for a picture of all slots and objects at the end (HTML, and DOT beside it)',
      default: '',
    },
  },
  create: (host) => new CapCheck(host),
};
export default capcheck;

class CapCheck implements ToolInstance {
  readonly wraps: readonly Wrap[];
  readonly l4: Watcher;
  private readonly interval: Interval;

  constructor(private readonly host: ToolHost) {
    const { options } = host;
    const allowed = options['allow-overmap'] ?? '';
    this.interval = new Interval(host.machine, Number(options['leak-check-interval'] ?? 0));
    this.l4 = new Watcher(host, allowed === '' ? null : pattern(allowed), () => {
      if (this.interval.due()) this.statusNow();
    });
    this.wraps = slotWraps(this.l4);
  }

  /** Calls and returns keep the shadow stack that traces are taken from. */
  instrument(block: Block): Block {
    const e = new BlockEditor(block);
    return e.rewrite(
      (s) => e.add(s),
      () => {
        const t = block.term;
        if (t.t === 'call' || t.t === 'icall') e.call('cs_push', c64(t.ret), e.reg(2));
        else if (t.t === 'ret') e.call('cs_pop', t.target, e.reg(2));
      },
    );
  }

  /** All that is added to code is the shadow stack. */
  cold(): number {
    return 0;
  }

  threadStarts(ts: number): void {
    this.l4.threadStarts(ts);
  }

  threadEnds(): void {
    this.l4.threadEnds();
  }

  request(ts: number, request: number): number | undefined {
    if (request !== REQUEST_LEAK_CHECK) return undefined;
    return this.checkLeaks(ts);
  }

  hostSignal(name: string): boolean {
    if (name !== SIGNAL_LEAK_CHECK) return false;
    const leaks = this.l4.locked(() => leakCheck(this.l4.model, this.l4));
    this.checkLeaks(THREADS);
    for (const line of summaryLines(leaks, 'now')) this.host.log.user(line);
    return true;
  }

  /** Reports leaks; gives their number. */
  private checkLeaks(ts: number): number {
    const leaks = this.l4.locked(() => leakCheck(this.l4.model, this.l4));
    for (const finding of leaks.findings) this.host.errors.report(errorOf(finding, ts, this.l4.expand));
    return leaks.findings.length;
  }

  /** What is in use, and where it became more since the last time. */
  private statusNow(): void {
    const lines = this.l4.locked(() =>
      intervalLines(this.l4.model.tables, (trace) => this.host.symbols.traceLines(this.l4.expand(trace))),
    );
    for (const line of lines) this.host.log.user(line);
  }

  finish(): void {
    const { options, log } = this.host;
    const leaks = this.l4.locked(() => leakCheck(this.l4.model, this.l4));
    if (options['leak-check'] !== 'no') this.checkLeaks(THREADS);
    for (const line of summaryLines(leaks)) log.user(line);
    const file = options['cap-graph'] ?? '';
    if (file !== '') {
      const problem = graphFiles(file, this.l4.model);
      if (problem !== null) log.user(problem);
    }
  }
}

/** A pattern with `*` and `?`, as suppressions have them, or any part of a name. */
function pattern(text: string): RegExp {
  const escaped = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`);
}
