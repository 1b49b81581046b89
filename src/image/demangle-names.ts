/** Itanium C++ ABI grammar: encodings, names, template arguments, substitutions (ABI chapters 5.1.2 to 5.1.10). */
import { type FunctionNode, fail, type ListNode, type Node } from './demangle-ast.js';
import type { Cursor } from './demangle-cursor.js';
import { parseExpression, parsePrimary } from './demangle-expr.js';
import { parseSpecialName } from './demangle-special.js';
import { STANDARD } from './demangle-tables.js';
import { parseParameters, parseType } from './demangle-types.js';
import { atTemplateHead, parseTemplateHead, parseUnqualified, sourceText } from './demangle-unqualified.js';

const STD: Node = { k: 'name', text: 'std' };
const STRING_LITERAL: Node = { k: 'name', text: 'string literal' };
const CV_QUALIFIERS: Readonly<Record<string, string>> = { r: 'restrict', V: 'volatile', K: 'const' };

/** Reads `r`, `V`, `K` in any number; the qualifiers in the order they are printed (the last read comes first). */
export function parseCv(c: Cursor): string[] {
  const quals: string[] = [];
  for (let q = CV_QUALIFIERS[c.peek()]; q !== undefined; q = CV_QUALIFIERS[c.peek()]) {
    quals.unshift(q);
    c.pos++;
  }
  return quals;
}

/** An encoding: a special name, a data name, or a function name with its signature. */
export function parseEncoding(c: Cursor): Node {
  c.enter();
  const first = c.peek();
  if (first === 'G' || first === 'T') {
    const special = parseSpecialName(c);
    c.leave();
    return special;
  }
  const name = parseName(c);
  const next = c.peek();
  if (next === '' || next === 'E' || next === '.') {
    c.leave();
    return name;
  }
  const ret = hasReturnType(name) ? parseType(c) : null;
  const type: FunctionNode = { k: 'func', ret, params: parseParameters(c), quals: [] };
  if (c.eat('Q')) parseExpression(c); // a trailing requires-clause is not shown
  c.leave();
  return { k: 'encoding', name, type };
}

/** Only instances of function templates carry their return type, and of those not the ones that have none. */
function hasReturnType(name: Node): boolean {
  const inner = name.k === 'thisqual' ? name.name : name;
  const last = inner.k === 'local' ? lastOf(inner) : inner;
  if (last.k !== 'template') return false;
  const member = lastOf(last.name);
  return member.k !== 'ctor' && member.k !== 'dtor' && member.k !== 'conversion';
}

/** The last component of a qualified name, its template arguments included. */
export function lastOf(name: Node): Node {
  let n = name;
  for (;;) {
    switch (n.k) {
      case 'qual':
      case 'local':
      case 'tagged':
      case 'inmodule':
      case 'thisqual':
      case 'defaultarg':
        n = n.name;
        break;
      default:
        return n;
    }
  }
}

/** A name, in function or type position; the caller records the whole as a substitution where the ABI says so. */
export function parseName(c: Cursor): Node {
  c.enter();
  const name = parseNameInner(c);
  c.leave();
  return name;
}

function parseNameInner(c: Cursor): Node {
  const first = c.peek();
  if (first === 'N') return parseNested(c);
  if (first === 'Z') return parseLocal(c);
  let name: Node;
  if (first === 'S' && c.peek(1) !== 't') {
    name = parseSubstitution(c, false);
    if (name.k === 'module') {
      name = parseUnqualified(c, null, name.text);
      if (c.peek() === 'I') c.remember(name);
    }
  } else {
    const inStd = c.eat('St');
    const own = parseUnqualified(c, inStd ? STD : null);
    name = inStd ? { k: 'qual', scope: STD, name: own } : own;
    if (c.peek() === 'I') c.remember(name);
  }
  return c.peek() === 'I' ? { k: 'template', name, args: parseTemplateArgs(c) } : name;
}

function parseNested(c: Cursor): Node {
  c.expect('N');
  c.eat('H'); // explicit object member function
  const quals = parseCv(c).map((text): Node => ({ k: 'name', text }));
  if (c.eat('R')) quals.push({ k: 'name', text: '&' });
  else if (c.eat('O')) quals.push({ k: 'name', text: '&&' });
  const name = parsePrefix(c);
  c.expect('E');
  return quals.length > 0 ? { k: 'thisqual', name, quals } : name;
}

function parsePrefix(c: Cursor): Node {
  let cur: Node | null = null;
  for (;;) {
    const ch = c.peek();
    if (ch === 'E') {
      if (cur === null) fail();
      return cur;
    }
    if (ch === 'S' && c.peek(1) !== 't') {
      const known = parseSubstitution(c, true);
      if (known.k !== 'module') {
        if (cur !== null) fail();
        cur = known;
        continue;
      }
      const own: Node = parseUnqualified(c, cur, known.text);
      cur = cur === null ? own : { k: 'qual', scope: cur, name: own };
    } else if (ch === 'I') {
      if (cur === null) fail();
      cur = { k: 'template', name: cur, args: parseTemplateArgs(c) };
    } else if (ch === 'S') {
      if (cur !== null) fail();
      c.expect('St');
      cur = STD;
      // `St` alone is not a substitution candidate.
      continue;
    } else if (ch === 'T') {
      if (cur !== null) fail();
      cur = parseTemplateParam(c);
    } else if (ch === 'D' && (c.peek(1) === 't' || c.peek(1) === 'T')) {
      if (cur !== null) fail();
      cur = parseDecltype(c);
    } else if (ch === 'M') {
      // The prefix is a data member whose initialiser holds the closure that follows; it is recorded already.
      if (cur === null) fail();
      c.pos++;
      continue;
    } else {
      const own: Node = parseUnqualified(c, cur);
      cur = cur === null ? own : { k: 'qual', scope: cur, name: own };
    }
    if (c.peek() !== 'E') c.remember(cur);
  }
}

/** `T_`, `T<n>_`, and `TL<level>__<n>_`-style parameters of nested levels. */
export function parseTemplateParam(c: Cursor): Node {
  c.expect('T');
  if (c.eat('L')) {
    c.sequence();
    return { k: 'tparam', index: c.sequence() };
  }
  return { k: 'tparam', index: c.sequence() };
}

/** `Dt expr E` or `DT expr E`. */
export function parseDecltype(c: Cursor): Node {
  if (!c.eat('Dt')) c.expect('DT');
  const expr = parseExpression(c);
  c.expect('E');
  return { k: 'decltype', expr };
}

/** An entity inside a function: `Z function E entity`. */
function parseLocal(c: Cursor): Node {
  c.expect('Z');
  const scope = withoutReturnType(parseEncoding(c));
  c.expect('E');
  if (c.eat('s')) {
    skipDiscriminator(c);
    return { k: 'local', scope, name: STRING_LITERAL };
  }
  let argument = -1;
  if (c.eat('d')) argument = c.sequence() + 1;
  let name = parseName(c);
  skipDiscriminator(c);
  let quals: readonly Node[] | null = null;
  if (name.k === 'thisqual') {
    quals = name.quals;
    name = name.name;
  }
  if (argument > 0) name = { k: 'defaultarg', number: argument, name };
  const local: Node = { k: 'local', scope, name };
  return quals === null ? local : { k: 'thisqual', name: local, quals };
}

function withoutReturnType(encoding: Node): Node {
  if (encoding.k !== 'encoding') return encoding;
  return { k: 'encoding', name: encoding.name, type: { ...encoding.type, ret: null } };
}

function skipDiscriminator(c: Cursor): void {
  if (c.eat('__')) {
    c.number();
    c.expect('_');
  } else if (c.peek() === '_' && c.peek(1) >= '0' && c.peek(1) <= '9') {
    c.pos += 2;
  }
}

/** `I args E`, and argument packs `J args E`. */
export function parseTemplateArgs(c: Cursor): ListNode {
  c.enter();
  if (!c.eat('I')) c.expect('J');
  const outer = c.inConversion;
  c.inConversion = false;
  const items: Node[] = [];
  while (!c.eat('E')) {
    if (c.eat('Q')) parseExpression(c);
    else items.push(parseTemplateArg(c));
  }
  c.inConversion = outer;
  c.leave();
  return { k: 'list', items };
}

/** One template argument. */
export function parseTemplateArg(c: Cursor): Node {
  const ch = c.peek();
  if (ch === 'X') {
    c.pos++;
    const expr = parseExpression(c);
    c.expect('E');
    return expr;
  }
  if (ch === 'L') return parsePrimary(c);
  if (ch === 'I' || ch === 'J') return parseTemplateArgs(c);
  if (atTemplateHead(c)) {
    parseTemplateHead(c); // how the parameter was declared, where that tells overloads apart; not shown
    return parseTemplateArg(c);
  }
  return parseType(c);
}

/** `S_`, `S<base 36>_` and the standard abbreviations; `asPrefix` where a constructor may follow. */
export function parseSubstitution(c: Cursor, asPrefix: boolean): Node {
  c.expect('S');
  const ch = c.peek();
  if (ch === '_' || (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')) {
    const start = c.pos;
    while (c.peek() !== '_') {
      if (c.pos - start > 6 || !/[0-9A-Z]/.test(c.peek())) fail();
      c.pos++;
    }
    const index = c.pos === start ? 0 : Number.parseInt(c.src.slice(start, c.pos), 36) + 1;
    c.pos++;
    return c.subs[index] ?? fail();
  }
  const known = STANDARD.get(ch);
  if (known?.k !== 'std') return fail();
  c.pos++;
  // A class is not called by its typedef's name when its constructor or destructor follows.
  const structor = asPrefix && (c.peek() === 'C' || c.peek() === 'D');
  let node: Node = structor ? { ...known, text: known.full } : known;
  if (c.peek() === 'B') {
    while (c.eat('B')) node = { k: 'tagged', name: node, tag: sourceText(c) };
    c.remember(node);
  }
  return node;
}
