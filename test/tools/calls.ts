/** A tool of forty lines: counts calls of the functions named in --fn. docs/writing-a-tool.md walks through it. */
import type { Block } from '../../src/ir/ir.js';
import type { Tool, ToolHost, ToolInstance } from '../../src/tools/api.js';
import { BlockEditor } from '../../src/tools/edit.js';

const calls: Tool = {
  name: 'calls',
  title: 'Calls, which counts calls',
  copyright: 'whoever wrote it',
  atomicity: 'access',
  shadowScale: 0,
  findsErrors: false,
  options: { fn: { describe: 'functions to count, with commas between them; 32 at most', default: 'main' } },
  create: (host) => new Calls(host),
};
export default calls;

class Calls implements ToolInstance {
  private readonly names: string[];

  constructor(private readonly host: ToolHost) {
    this.names = host.options['fn']!.split(',');
  }

  instrument(block: Block): Block {
    const { symbols } = this.host;
    const i = this.names.findIndex((name) => symbols.addressesOf(name).includes(block.pc));
    if (i < 0) return block;
    const e = new BlockEditor(block);
    return e.rewrite((s) => {
      e.add(s);
      if (s.s === 'imark' && s.pc === block.pc) e.count(this.host.counterOffset(i), 1);
    });
  }

  finish(): void {
    for (const [i, name] of this.names.entries()) this.host.log.user(`${name}: ${this.host.counter(i)}`);
  }
}
