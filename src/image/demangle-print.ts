/**
 * Prints an Itanium C++ ABI tree as libiberty's c++filt spells it, since that is what Valgrind's reports show.
 * A C++ declarator wraps around its name, so a type prints in two parts: `left` before the name, `right` behind it.
 */
import { type FunctionNode, fail, type ListNode, type Node, type TemplateHead } from './demangle-ast.js';
import { lastOf } from './demangle-names.js';
import { printExpression, printOperand } from './demangle-print-expr.js';
import { parameterName, printLambda } from './demangle-print-lambda.js';

/** Longest text printed, in UTF-16 code units; template arguments can multiply without bound. */
export const MAX_OUTPUT = 65_536;
const MAX_STEPS = 600_000;
const MAX_DEPTH = 1_000;

/** The template arguments a `T_` refers to; `outer` is what holds while an argument itself is printed. */
interface Scope {
  readonly args: ListNode;
  readonly outer: Scope | null;
}

export class Printer {
  out = '';
  /** The character printed last, kept when a trailing comma is taken back (libiberty's spacing depends on it). */
  last = '';
  private scope: Scope | null = null;
  private packIndex = -1;
  /** The template head of the lambda whose parameters are being printed; null outside. */
  lambdaHeads: readonly TemplateHead[] | null = null;
  private steps = 0;
  private depth = 0;

  put(text: string): void {
    if (text === '') return;
    this.out += text;
    this.last = text.charAt(text.length - 1);
    if (this.out.length > MAX_OUTPUT) fail();
  }

  print(n: Node): void {
    this.left(n);
    if (hasRightPart(n)) this.right(n);
  }

  /** All of a name or an expression; of a type what stands before the declared name. */
  left(n: Node): void {
    if (++this.steps > MAX_STEPS || ++this.depth > MAX_DEPTH) fail();
    this.leftInner(n);
    this.depth--;
  }

  private leftInner(n: Node): void {
    switch (n.k) {
      case 'name':
      case 'builtin':
      case 'std':
        this.put(n.text);
        return;
      case 'qual':
      case 'local':
        this.print(n.scope);
        this.put('::');
        this.print(n.name);
        return;
      case 'tagged':
        this.print(n.name);
        this.put(`[abi:${n.tag}]`);
        return;
      case 'module':
        this.put(n.text);
        return;
      case 'inmodule':
        this.print(n.name);
        this.put(`@${n.module}`);
        return;
      case 'template':
        this.template(n.name, n.args);
        return;
      case 'list':
        this.list(n.items);
        return;
      case 'tparam':
        if (this.lambdaHeads !== null) {
          this.put(parameterName(this.lambdaHeads, n.index));
          return;
        }
        this.scoped(() => this.left(this.peel(n)));
        return;
      case 'fparam':
        this.put(`{parm#${n.index + 1}}`);
        return;
      case 'ctor':
        this.print(n.cls);
        return;
      case 'dtor':
        this.put('~');
        this.print(n.cls);
        return;
      case 'operator': {
        const word = n.op.text.trimEnd();
        this.put(/^[a-z]/.test(word) ? `operator ${word}` : `operator${word}`);
        return;
      }
      case 'literalop':
        this.put('operator"" ');
        this.print(n.name);
        return;
      case 'conversion':
        this.put('operator ');
        this.print(n.type);
        return;
      case 'lambda':
        printLambda(this, n);
        return;
      case 'defaultarg':
        this.put(`{default arg#${n.number}}::`);
        this.print(n.name);
        return;
      case 'binding':
        this.put('[');
        this.list(n.names);
        this.put(']');
        return;
      case 'encoding':
        this.encoding(n.name, n.type);
        return;
      case 'thisqual':
        this.print(n.name);
        this.qualifiers(n.quals);
        return;
      case 'special':
        this.put(n.prefix);
        this.print(n.of);
        if (n.mid !== undefined) this.put(n.mid);
        if (n.second !== undefined) this.print(n.second);
        return;
      case 'pointer':
        this.scoped(() => {
          const { op, to } = this.collapse(n.op, n.to);
          this.left(to);
          this.openDeclarator(to, false);
          this.put(op);
        });
        return;
      case 'ptrmem':
        this.scoped(() => {
          const to = this.peel(n.member);
          this.left(to);
          this.openDeclarator(to, true);
        });
        if (this.last !== '(') this.put(' ');
        this.print(n.cls);
        this.put('::*');
        return;
      case 'cv':
        this.scoped(() => this.cvLeft(n.text, n.of));
        return;
      case 'vendorqual':
        this.left(n.of);
        this.put(' ');
        this.print(n.qual);
        return;
      case 'suffixed':
        this.left(n.of);
        this.put(n.text);
        return;
      case 'func':
        if (n.ret !== null) this.returnType(n.ret);
        return;
      case 'array':
        this.left(n.of);
        return;
      case 'vector':
        this.print(n.of);
        this.put(' __vector(');
        this.print(n.size);
        this.put(')');
        return;
      case 'decltype':
        this.put('decltype (');
        this.print(n.expr);
        this.put(')');
        return;
      case 'expand':
        this.expand(n.pattern);
        return;
      default:
        printExpression(this, n);
        return;
    }
  }

  /** What of a type stands behind the declared name. */
  private right(n: Node): void {
    if (++this.steps > MAX_STEPS || ++this.depth > MAX_DEPTH) fail();
    switch (n.k) {
      case 'tparam':
        if (this.lambdaHeads === null) this.scoped(() => this.right(this.peel(n)));
        break;
      case 'pointer':
      case 'ptrmem':
        this.scoped(() => {
          const to = n.k === 'pointer' ? this.collapse(n.op, n.to).to : this.peel(n.member);
          if (this.declarator(to) !== null) this.put(')');
          this.right(to);
        });
        break;
      case 'cv':
      case 'vendorqual':
      case 'suffixed':
        this.right(n.of);
        break;
      case 'func':
        this.parameters(n);
        break;
      case 'array':
        this.arrayRight(n);
        break;
    }
    this.depth--;
  }

  /** Runs `body` and brings the template scope back to what it was. */
  private scoped(body: () => void): void {
    const saved = this.scope;
    body();
    this.scope = saved;
  }

  /** Follows template parameters to what they stand for, moving `scope` along; the caller restores it. */
  private peel(node: Node): Node {
    let n = node;
    while (n.k === 'tparam' && this.lambdaHeads === null) {
      if (++this.steps > MAX_STEPS || this.scope === null) fail();
      let arg: Node | undefined = this.scope.args.items[n.index];
      if (arg?.k === 'list' && this.packIndex >= 0) arg = arg.items[this.packIndex];
      if (arg === undefined) fail();
      n = arg;
      this.scope = this.scope.outer;
    }
    return n;
  }

  /** Reference collapsing: `& &&` is `&`. Moves `scope` like `peel`. */
  private collapse(op: '*' | '&' | '&&', target: Node): { op: string; to: Node } {
    let to = this.peel(target);
    let result = op;
    while (result !== '*' && to.k === 'pointer' && to.op !== '*') {
      if (to.op === '&') result = '&';
      to = this.peel(to.to);
    }
    return { op: result, to };
  }

  /** The function or array a declarator would have to bracket, if `n` is one. */
  private declarator(n: Node): 'func' | 'array' | null {
    let kind: 'func' | 'array' | null = null;
    this.scoped(() => {
      let core = n;
      while (core.k === 'cv' || core.k === 'tparam') {
        core = this.peel(core.k === 'cv' ? core.of : core);
        if (core.k === 'tparam') return;
      }
      if (core.k === 'func' || core.k === 'array') kind = core.k;
    });
    return kind;
  }

  private openDeclarator(to: Node, isMember: boolean): void {
    const kind = this.declarator(to);
    if (kind === 'array') this.put(' (');
    else if (kind === 'func') {
      if ((isMember || (this.last !== '(' && this.last !== '*')) && this.last !== ' ') this.put(' ');
      this.put('(');
    }
  }

  /** cv-qualifiers reach through template parameters; one that is there already is not repeated. */
  private cvLeft(text: string, of: Node): void {
    const quals = [text];
    let core = this.peel(of);
    while (core.k === 'cv') {
      if (++this.steps > MAX_STEPS) fail();
      if (!quals.includes(core.text)) quals.push(core.text);
      core = this.peel(core.of);
    }
    this.left(core);
    if (core.k === 'func') return; // qualifying a function type through a parameter has no effect
    for (let i = quals.length - 1; i >= 0; i--) this.put(` ${quals[i]}`);
  }

  private arrayRight(n: Node & { k: 'array' }): void {
    this.put(' ');
    this.scoped(() => {
      let array: Node = n;
      while (array.k === 'array') {
        this.put('[');
        if (array.size !== null) this.print(array.size);
        this.put(']');
        array = this.peel(array.of);
        while (array.k === 'cv') array = this.peel(array.of);
      }
      this.right(array);
    });
  }

  private returnType(ret: Node): void {
    this.left(ret);
    if (!this.wraps(ret)) this.put(' ');
  }

  /** Whether a return type ends in an open declarator, which the function's own follows without a space. */
  private wraps(type: Node): boolean {
    let result = false;
    this.scoped(() => {
      let n = this.peel(type);
      for (;;) {
        if (++this.steps > MAX_STEPS) fail();
        if (n.k === 'func' || n.k === 'array') {
          result = true;
          return;
        }
        if (n.k === 'pointer') n = this.peel(n.to);
        else if (n.k === 'ptrmem') n = this.peel(n.member);
        else if (n.k === 'cv') n = this.peel(n.of);
        else return;
      }
    });
    return result;
  }

  private parameters(f: FunctionNode, thisQuals: readonly Node[] = []): void {
    this.put('(');
    this.list(f.params);
    this.put(')');
    this.qualifiers(thisQuals);
    this.qualifiers(f.quals);
    if (f.ret !== null) this.right(f.ret);
  }

  private qualifiers(quals: readonly Node[]): void {
    for (const qual of quals) {
      this.put(' ');
      this.print(qual);
    }
  }

  private encoding(name: Node, type: FunctionNode): void {
    const quals = name.k === 'thisqual' ? name.quals : [];
    const bare = name.k === 'thisqual' ? name.name : name;
    const last = lastOf(bare);
    const outer = this.scope;
    const inner = last.k === 'template' ? { args: last.args, outer } : outer;
    this.scope = inner;
    this.left(type);
    this.scope = outer;
    this.print(bare);
    this.scope = inner;
    this.parameters(type, quals);
    this.scope = outer;
  }

  private template(name: Node, args: ListNode): void {
    // A conversion operator's type may use the operator's own template arguments.
    this.scoped(() => {
      if (lastOf(name).k === 'conversion') this.scope = { args, outer: this.scope };
      this.print(name);
    });
    if (this.last === '<') this.put(' ');
    this.put('<');
    this.list(args.items);
    if (this.last === '>') this.put(' ');
    this.put('>');
  }

  /** Items with commas; commas at the end, before items that print nothing (empty packs), are taken back. */
  list(items: readonly Node[]): void {
    if (items.length === 0) return;
    this.print(items[0]);
    let keep = this.out.length;
    for (let i = 1; i < items.length; i++) {
      this.put(', ');
      const before = this.out.length;
      this.print(items[i]);
      if (this.out.length !== before) keep = this.out.length;
    }
    if (keep < this.out.length) {
      this.out = this.out.slice(0, keep);
      this.steps += keep >> 5; // a cut copies the text, so it counts
    }
  }

  /** A pack expansion: the pattern once for each element of the first pack in it. */
  private expand(pattern: Node): void {
    const pack = this.lambdaHeads !== null ? null : this.findPack(pattern);
    if (pack === null) {
      printOperand(this, pattern);
      this.put('...');
      return;
    }
    const outer = this.packIndex;
    for (let i = 0; i < pack.items.length; i++) {
      if (i > 0) this.put(', ');
      this.packIndex = i;
      this.print(pattern);
    }
    this.packIndex = outer;
  }

  /** The number of elements of the pack in `pattern`, or -1 if it has none that is known. */
  packLength(pattern: Node): number {
    const pack = pattern.k === 'list' ? pattern : this.findPack(pattern);
    return pack === null ? -1 : pack.items.length;
  }

  private findPack(n: Node): ListNode | null {
    if (++this.steps > MAX_STEPS || this.depth > MAX_DEPTH) fail();
    if (n.k === 'tparam') {
      const arg = this.scope?.args.items[n.index];
      if (arg === undefined) fail();
      return arg.k === 'list' ? arg : null;
    }
    if (n.k === 'expand' || n.k === 'lambda') return null;
    this.depth++;
    let found: ListNode | null = null;
    for (const child of children(n)) {
      found = this.findPack(child);
      if (found !== null) break;
    }
    this.depth--;
    return found;
  }
}

function hasRightPart(n: Node): boolean {
  switch (n.k) {
    case 'tparam':
    case 'pointer':
    case 'ptrmem':
    case 'cv':
    case 'vendorqual':
    case 'suffixed':
    case 'func':
    case 'array':
      return true;
    default:
      return false;
  }
}

/** The nodes directly below `n`, in the order they are written. */
function* children(n: Node): Iterable<Node> {
  for (const value of Object.values(n) as unknown[]) {
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) yield* value as Node[];
    else if ('k' in value) yield value as Node;
  }
}
