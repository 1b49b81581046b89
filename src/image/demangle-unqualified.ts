/** Itanium C++ ABI grammar: unqualified names (chapter 5.1.2) with modules, ABI tags, closures and operators. */
import { fail, type Node, type TemplateHead } from './demangle-ast.js';
import type { Cursor } from './demangle-cursor.js';
import { lastOf, parseName } from './demangle-names.js';
import { OPERATORS } from './demangle-tables.js';
import { parseParameters, parseType } from './demangle-types.js';

/** What a constructor of `scope` is called: its last component without template arguments and ABI tags. */
function classBase(scope: Node): Node {
  let n = lastOf(scope);
  while (n.k === 'template') n = lastOf(n.name);
  return n.k === 'std' ? { k: 'name', text: n.base } : n;
}

/**
 * A name without its scope, which gives constructors and destructors their spelling. `inModule` is the module
 * that a substitution just named, if any.
 */
export function parseUnqualified(c: Cursor, scope: Node | null, inModule = ''): Node {
  const module = parseModule(c, inModule);
  let name = parseUnqualifiedCore(c, scope);
  if (module !== '') name = { k: 'inmodule', name, module };
  while (c.eat('B')) name = { k: 'tagged', name, tag: sourceText(c) };
  return name;
}

/** `W name` and `W P name` (a partition) in any number, each of them a substitution; the module's full name. */
export function parseModule(c: Cursor, start: string): string {
  let text = start;
  while (c.eat('W')) {
    const isPartition = c.eat('P');
    const separator = isPartition ? ':' : text === '' ? '' : '.';
    text += separator + sourceText(c);
    c.remember({ k: 'module', text });
  }
  return text;
}

function parseUnqualifiedCore(c: Cursor, scope: Node | null): Node {
  if (c.atDigit()) return parseSourceName(c);
  const ch = c.peek();
  if (ch === 'L' || ch === 'F') {
    // Internal linkage, and friends that only constraints tell apart: neither shows.
    c.pos++;
    return parseUnqualifiedCore(c, scope);
  }
  if (ch === 'C' || ch === 'D') return parseStructor(c, scope);
  if (ch === 'U') return parseUnnamed(c);
  if (ch >= 'a' && ch <= 'z') return parseOperatorName(c);
  return fail();
}

function parseStructor(c: Cursor, scope: Node | null): Node {
  const isCtor = c.peek() === 'C';
  c.pos++;
  if (!isCtor && c.eat('C')) {
    const names: Node[] = [];
    while (!c.eat('E')) names.push(parseSourceName(c));
    return { k: 'binding', names };
  }
  if (scope === null) fail();
  let cls = classBase(scope);
  const inheriting = isCtor && c.eat('I');
  const kind = c.peek();
  if (kind < '0' || kind > '9') fail();
  c.pos++;
  if (inheriting) cls = classBase(parseType(c));
  return isCtor ? { k: 'ctor', cls } : { k: 'dtor', cls };
}

function parseUnnamed(c: Cursor): Node {
  c.expect('U');
  if (c.eat('t')) return { k: 'name', text: `{unnamed type#${c.sequence() + 1}}` };
  c.expect('l');
  const heads: TemplateHead[] = [];
  while (atTemplateHead(c)) heads.push(parseTemplateHead(c));
  const params = parseParameters(c);
  c.expect('E');
  return { k: 'lambda', heads, params, number: c.sequence() + 1 };
}

/** Whether a template parameter's declaration is next; no type starts like one. */
export function atTemplateHead(c: Cursor): boolean {
  return c.peek() === 'T' && c.peek(1) !== '' && 'yntpk'.includes(c.peek(1));
}

/** The declaration of a template parameter: `Ty`, `Tn type`, `Tt heads E`, `Tp head`, `Tk concept`. */
export function parseTemplateHead(c: Cursor): TemplateHead {
  c.enter();
  c.expect('T');
  let head: TemplateHead = { of: 'type' };
  if (c.eat('n')) head = { of: 'value', type: parseType(c) };
  else if (c.eat('p')) head = { of: 'pack', element: parseTemplateHead(c) };
  else if (c.eat('k')) parseName(c);
  else if (c.eat('t')) {
    const heads: TemplateHead[] = [];
    while (!c.eat('E')) heads.push(parseTemplateHead(c));
    head = { of: 'template', heads };
  } else c.expect('y');
  c.leave();
  return head;
}

function parseOperatorName(c: Cursor): Node {
  c.eat('on');
  if (c.eat('cv')) {
    const outer = c.inConversion;
    c.inConversion = true;
    const type = parseType(c);
    c.inConversion = outer;
    return { k: 'conversion', type };
  }
  if (c.eat('li')) return { k: 'literalop', name: parseSourceName(c) };
  if (c.peek() === 'v' && c.peek(1) >= '0' && c.peek(1) <= '9') {
    c.pos += 2;
    return { k: 'name', text: `operator ${sourceText(c)}` };
  }
  const op = OPERATORS.get(c.peek() + c.peek(1));
  if (op === undefined) fail();
  c.pos += 2;
  return { k: 'operator', op };
}

/** The text of an identifier behind its length. */
export function sourceText(c: Cursor): string {
  const length = c.number();
  const text = c.src.slice(c.pos, c.pos + length);
  if (length === 0 || text.length !== length) fail();
  c.pos += length;
  return text;
}

/** An identifier behind its length. */
export function parseSourceName(c: Cursor): Node {
  const text = sourceText(c);
  const anonymous = /^_GLOBAL_[._$]N/.test(text);
  return { k: 'name', text: anonymous ? '(anonymous namespace)' : text };
}
