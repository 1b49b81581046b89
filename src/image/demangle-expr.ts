/** Itanium C++ ABI grammar: expressions and literals (chapters 5.1.6 and 5.1.7). */
import { fail, type ListNode, type Node, type Operator } from './demangle-ast.js';
import type { Cursor } from './demangle-cursor.js';
import {
  parseCv,
  parseEncoding,
  parseTemplateArg,
  parseTemplateArgs,
  parseTemplateParam,
} from './demangle-names.js';
import { OPERATORS } from './demangle-tables.js';
import { parseType } from './demangle-types.js';
import { parseSourceName, parseUnqualified } from './demangle-unqualified.js';

const THIS: Node = { k: 'name', text: 'this' };
const NAMED_CASTS: Readonly<Record<string, string>> = {
  sc: 'static_cast',
  dc: 'dynamic_cast',
  cc: 'const_cast',
  rc: 'reinterpret_cast',
};
/** Operators whose operand is a type, and is always parenthesised. */
const TYPE_TRAITS: Readonly<Record<string, string>> = { st: 'sizeof ', at: 'alignof ', ti: 'typeid ' };
/** Words before an expression. */
const WORDS: Readonly<Record<string, string>> = {
  sz: 'sizeof ',
  az: 'alignof ',
  te: 'typeid ',
  tw: 'throw ',
};

/** An expression. */
export function parseExpression(c: Cursor): Node {
  c.enter();
  const expr = parseInner(c);
  c.leave();
  return expr;
}

function parseInner(c: Cursor): Node {
  const ch = c.peek();
  if (ch === 'L') return parsePrimary(c);
  if (ch === 'T') return parseTemplateParam(c);
  if (c.atDigit() || c.at('on')) return parseId(c, null);
  const code = ch + c.peek(1);
  const cast = NAMED_CASTS[code];
  const trait = TYPE_TRAITS[code];
  const word = WORDS[code];
  if (cast !== undefined) {
    c.pos += 2;
    const type = parseType(c);
    return { k: 'namedcast', text: cast, type, of: parseExpression(c) };
  }
  if (trait !== undefined) {
    c.pos += 2;
    return { k: 'trait', text: trait, of: parseType(c) };
  }
  if (word !== undefined) {
    c.pos += 2;
    return { k: 'unary', op: { code, text: word, arity: 1 }, of: parseExpression(c), postfix: false };
  }
  switch (code) {
    case 'sr':
      c.pos += 2;
      return parseScoped(c);
    case 'sp':
      c.pos += 2;
      return { k: 'expand', pattern: parseExpression(c) };
    case 'sZ':
      c.pos += 2;
      return { k: 'packsize', of: parseExpression(c) };
    case 'sP':
      c.pos += 2;
      return { k: 'packsize', of: parseList(c, () => parseTemplateArg(c)) };
    case 'fp':
      c.pos += 2;
      return parseFunctionParam(c);
    case 'fL':
      // `fL <n> p ..` is a parameter of an outer function, `fL <operator> ..` a fold.
      if (c.peek(2) >= '0' && c.peek(2) <= '9') {
        c.pos += 2;
        c.number();
        c.expect('p');
        return parseFunctionParam(c);
      }
      return parseFold(c);
    case 'fl':
    case 'fr':
    case 'fR':
      return parseFold(c);
    case 'il':
      c.pos += 2;
      return { k: 'braces', type: null, items: parseExpressions(c) };
    case 'tl': {
      c.pos += 2;
      const type = parseType(c);
      return { k: 'braces', type, items: parseExpressions(c) };
    }
    case 'cv': {
      c.pos += 2;
      const type = parseType(c);
      return { k: 'cast', type, of: c.eat('_') ? parseExpressions(c) : parseExpression(c) };
    }
    case 'nx':
      c.pos += 2;
      return { k: 'trait', text: 'noexcept', of: parseExpression(c) };
    case 'tr':
      c.pos += 2;
      return { k: 'name', text: 'throw' };
    case 'gs':
      c.pos += 2;
      return { k: 'global', of: parseExpression(c) };
    case 'dn': {
      c.pos += 2;
      const cls = c.atDigit() ? parseId(c, null) : parseType(c);
      return { k: 'dtor', cls };
    }
    case 'dt':
    case 'pt':
      return parseMember(c, code);
    case 'ds': {
      c.pos += 2;
      const left = parseExpression(c);
      return { k: 'member', op: '.*', left, right: parseExpression(c) };
    }
    case 'di': {
      c.pos += 2;
      const field = parseSourceName(c);
      return { k: 'designated', field, index: null, last: null, value: parseExpression(c) };
    }
    case 'dx':
    case 'dX': {
      c.pos += 2;
      const index = parseExpression(c);
      const last = code === 'dX' ? parseExpression(c) : null;
      return { k: 'designated', field: null, index, last, value: parseExpression(c) };
    }
    case 'cl':
    case 'cp': {
      c.pos += 2;
      const callee = parseExpression(c);
      return { k: 'call', callee, args: parseExpressions(c) };
    }
    case 'nw':
    case 'na':
      return parseNew(c);
  }
  if (ch === 'u') {
    c.pos++;
    const callee = parseSourceName(c);
    return { k: 'call', callee, args: parseList(c, () => parseTemplateArg(c)) };
  }
  return parseOperation(c, code);
}

function parseOperation(c: Cursor, code: string): Node {
  const op = OPERATORS.get(code);
  if (op === undefined) fail();
  c.pos += 2;
  if (op.arity === 1) {
    const prefix = (code !== 'pp' && code !== 'mm') || c.eat('_');
    return { k: 'unary', op, of: parseExpression(c), postfix: !prefix };
  }
  const left = parseExpression(c);
  const right = parseExpression(c);
  if (op.arity === 2) return { k: 'binary', op, left, right };
  return { k: 'conditional', test: left, yes: right, no: parseExpression(c) };
}

/** An unresolved id, its template arguments included. */
function parseId(c: Cursor, scope: Node | null): Node {
  const name = parseUnqualified(c, scope);
  return c.peek() === 'I' ? { k: 'template', name, args: parseTemplateArgs(c) } : name;
}

/** Scopes as a list of identifiers up to `E`; none of them is a substitution candidate. */
function parseListedScopes(c: Cursor): Node {
  c.readListedScopes = true;
  let scope: Node = parseId(c, null);
  while (!c.eat('E')) scope = { k: 'qual', scope, name: parseId(c, null) };
  return scope;
}

/** After `sr`: a type or scopes, then the id looked up in it. */
function parseScoped(c: Cursor): Node {
  const scope = c.listedScopes && c.atDigit() ? parseListedScopes(c) : parseType(c);
  if (c.eat('dn')) {
    return { k: 'qual', scope, name: { k: 'dtor', cls: c.atDigit() ? parseId(c, null) : parseType(c) } };
  }
  const name: Node = { k: 'qual', scope, name: parseUnqualified(c, scope) };
  return c.peek() === 'I' ? { k: 'template', name, args: parseTemplateArgs(c) } : name;
}

function parseMember(c: Cursor, code: string): Node {
  c.pos += 2;
  const left = parseExpression(c);
  const op = code === 'dt' ? '.' : '->';
  const isName = c.atDigit() || c.at('on') || (c.peek() >= 'a' && OPERATORS.has(c.peek() + c.peek(1)));
  const right = isName ? parseId(c, null) : parseExpression(c);
  return { k: 'member', op, left, right };
}

/** After `fp`: `T` is `this`; else cv-qualifiers and the parameter's number. */
function parseFunctionParam(c: Cursor): Node {
  if (c.eat('T')) return THIS;
  parseCv(c);
  return { k: 'fparam', index: c.sequence() };
}

function parseFold(c: Cursor): Node {
  const kind = c.peek(1);
  c.pos += 2;
  const op: Operator | undefined = OPERATORS.get(c.peek() + c.peek(1));
  if (op === undefined) fail();
  c.pos += 2;
  const first = parseExpression(c);
  if (kind === 'l') return { k: 'fold', op, left: null, right: first };
  if (kind === 'r') return { k: 'fold', op, left: first, right: null };
  return { k: 'fold', op, left: first, right: parseExpression(c) };
}

function parseNew(c: Cursor): Node {
  c.pos += 2;
  const items: Node[] = [];
  while (!c.eat('_')) items.push(parseExpression(c));
  const type = parseType(c);
  const place: ListNode = { k: 'list', items };
  if (c.eat('pi')) return { k: 'new', place, type, init: parseExpressions(c) };
  if (c.at('il')) return { k: 'new', place, type, init: parseExpression(c) };
  c.expect('E');
  return { k: 'new', place, type, init: null };
}

function parseList(c: Cursor, one: () => Node): ListNode {
  const items: Node[] = [];
  while (!c.eat('E')) items.push(one());
  return { k: 'list', items };
}

/** Expressions up to `E`. */
function parseExpressions(c: Cursor): ListNode {
  return parseList(c, () => parseExpression(c));
}

/** A literal, or the mangled name of an entity: `L .. E`. */
export function parsePrimary(c: Cursor): Node {
  c.expect('L');
  c.enter();
  let node: Node;
  if (c.eat('_Z') || c.peek() === 'Z') {
    c.eat('Z');
    node = parseEncoding(c);
    c.expect('E');
  } else {
    const type = parseType(c);
    const negative = c.eat('n');
    const start = c.pos;
    while (c.peek() !== 'E') {
      if (!/[0-9a-f_]/.test(c.peek())) fail();
      c.pos++;
    }
    const value = c.src.slice(start, c.pos);
    c.pos++;
    node = value === '' && !negative ? type : { k: 'literal', type, value, negative };
  }
  c.leave();
  return node;
}
