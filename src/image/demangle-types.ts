/** Itanium C++ ABI grammar: types (chapter 5.1.5). */
import { type FunctionNode, fail, type Node } from './demangle-ast.js';
import type { Cursor } from './demangle-cursor.js';
import { parseExpression } from './demangle-expr.js';
import {
  parseCv,
  parseDecltype,
  parseName,
  parseSubstitution,
  parseTemplateArgs,
  parseTemplateParam,
} from './demangle-names.js';
import { BUILTINS, D_BUILTINS } from './demangle-tables.js';
import { parseSourceName } from './demangle-unqualified.js';

/** A type; recorded as a substitution candidate unless it is a builtin or itself a substitution. */
export function parseType(c: Cursor): Node {
  c.enter();
  const type = parseTypeInner(c);
  c.leave();
  return type;
}

function parseTypeInner(c: Cursor): Node {
  const ch = c.peek();
  const builtin = BUILTINS.get(ch);
  if (builtin !== undefined) {
    c.pos++;
    return builtin;
  }
  switch (ch) {
    case 'r':
    case 'V':
    case 'K':
      return parseQualified(c);
    case 'P':
      c.pos++;
      return c.remember({ k: 'pointer', op: '*', to: parseType(c) });
    case 'R':
      c.pos++;
      return c.remember({ k: 'pointer', op: '&', to: parseType(c) });
    case 'O':
      c.pos++;
      return c.remember({ k: 'pointer', op: '&&', to: parseType(c) });
    case 'C':
      c.pos++;
      return c.remember({ k: 'suffixed', of: parseType(c), text: ' _Complex' });
    case 'G':
      c.pos++;
      return c.remember({ k: 'suffixed', of: parseType(c), text: ' _Imaginary' });
    case 'F':
      return c.remember(parseFunction(c, []));
    case 'A':
      return parseArray(c);
    case 'M': {
      c.pos++;
      const cls = parseType(c);
      return c.remember({ k: 'ptrmem', cls, member: parseType(c) });
    }
    case 'T':
      return parseTemplateParamType(c);
    case 'S':
      return parseSubstitutedType(c);
    case 'D':
      return parseD(c);
    case 'U': {
      if (c.peek(1) === 'l' || c.peek(1) === 't') break;
      c.pos++;
      let qual: Node = parseSourceName(c);
      if (c.peek() === 'I') qual = { k: 'template', name: qual, args: parseTemplateArgs(c) };
      return c.remember({ k: 'vendorqual', qual, of: parseType(c) });
    }
    case 'u': {
      c.pos++;
      const name = parseSourceName(c);
      return c.remember(c.peek() === 'I' ? { k: 'call', callee: name, args: parseTemplateArgs(c) } : name);
    }
  }
  return c.remember(parseName(c));
}

/** cv-qualifiers before a type; before a function type they belong to the member function's `this`. */
function parseQualified(c: Cursor): Node {
  const quals = parseCv(c);
  if (c.peek() === 'F' || (c.peek() === 'D' && 'oOwx'.includes(c.peek(1)))) {
    return c.remember(
      parseFunction(
        c,
        quals.map((text) => ({ k: 'name', text })),
      ),
    );
  }
  let type = parseType(c);
  for (const text of quals) type = { k: 'cv', text, of: type };
  return c.remember(type);
}

/** A function type, its exception specification before it and its ref-qualifier within. */
function parseFunction(c: Cursor, thisQuals: Node[]): FunctionNode {
  const quals: Node[] = [];
  while (c.peek() === 'D') {
    if (c.eat('Do')) quals.unshift({ k: 'name', text: 'noexcept' });
    else if (c.eat('Dx')) quals.unshift({ k: 'name', text: 'transaction_safe' });
    else if (c.eat('DO')) {
      quals.unshift({ k: 'spec', text: 'noexcept', of: parseExpression(c) });
      c.expect('E');
    } else if (c.eat('Dw')) {
      const items: Node[] = [];
      while (!c.eat('E')) items.push(parseType(c));
      quals.unshift({ k: 'spec', text: 'throw', of: { k: 'list', items } });
    } else fail();
  }
  c.expect('F');
  c.eat('Y'); // extern "C"
  const ret = parseType(c);
  const params = parseParameters(c);
  if (c.eat('R')) thisQuals.push({ k: 'name', text: '&' });
  else if (c.eat('O')) thisQuals.push({ k: 'name', text: '&&' });
  c.expect('E');
  return { k: 'func', ret, params, quals: [...quals, ...thisQuals] };
}

/** Parameter types up to the end of the signature; at least one. A sole `void` is an empty list. */
export function parseParameters(c: Cursor): Node[] {
  const params: Node[] = [];
  for (;;) {
    const ch = c.peek();
    if (ch === '' || ch === 'E' || ch === '.' || ch === 'Q') break;
    if ((ch === 'R' || ch === 'O') && c.peek(1) === 'E') break;
    params.push(parseType(c));
  }
  if (params.length === 0) fail();
  const only = params[0];
  return params.length === 1 && only.k === 'builtin' && only.text === 'void' ? [] : params;
}

function parseArray(c: Cursor): Node {
  c.expect('A');
  let size: Node | null = null;
  if (c.atDigit()) {
    const start = c.pos;
    while (c.atDigit()) c.pos++;
    size = { k: 'name', text: c.src.slice(start, c.pos) };
  } else if (c.peek() !== '_') size = parseExpression(c);
  c.expect('_');
  return c.remember({ k: 'array', size, of: parseType(c) });
}

function parseTemplateParamType(c: Cursor): Node {
  const param = c.remember(parseTemplateParam(c));
  if (c.peek() !== 'I') return param;
  if (!c.inConversion) return c.remember({ k: 'template', name: param, args: parseTemplateArgs(c) });
  // `cv T_ I..E`: the arguments are the operator's, unless another list follows them.
  const pos = c.pos;
  const known = c.subs.length;
  const args = parseTemplateArgs(c);
  if (c.peek() === 'I') return c.remember({ k: 'template', name: param, args });
  c.pos = pos;
  c.subs.length = known;
  return param;
}

function parseSubstitutedType(c: Cursor): Node {
  if (c.peek(1) === 't') return c.remember(parseName(c));
  const start = c.pos;
  const node = parseSubstitution(c, false);
  if (node.k === 'module') {
    c.pos = start;
    return c.remember(parseName(c));
  }
  if (c.peek() !== 'I') return node;
  return c.remember({ k: 'template', name: node, args: parseTemplateArgs(c) });
}

function parseD(c: Cursor): Node {
  const kind = c.peek(1);
  const builtin = D_BUILTINS.get(kind);
  if (builtin !== undefined) {
    c.pos += 2;
    return builtin;
  }
  switch (kind) {
    case 't':
    case 'T':
      return c.remember(parseDecltype(c));
    case 'p':
      c.pos += 2;
      return c.remember({ k: 'expand', pattern: parseType(c) });
    case 'o':
    case 'O':
    case 'w':
    case 'x':
      return c.remember(parseFunction(c, []));
    case 'v': {
      c.pos += 2;
      // A dependent size is an expression behind an underscore.
      const size: Node =
        !c.atDigit() && c.eat('_') ? parseExpression(c) : { k: 'name', text: String(c.number()) };
      c.expect('_');
      return c.remember({ k: 'vector', size, of: parseType(c) });
    }
    case 'F':
      return parseFloat16(c);
    case 'B':
    case 'U': {
      c.pos += 2;
      const size: Node = c.atDigit() ? { k: 'name', text: String(c.number()) } : parseExpression(c);
      c.expect('_');
      const name: Node = { k: 'name', text: kind === 'B' ? '_BitInt' : 'unsigned _BitInt' };
      return { k: 'call', callee: name, args: { k: 'list', items: [size] } };
    }
    case 'k':
    case 'K':
      c.pos += 2;
      return c.remember({
        k: 'suffixed',
        of: parseName(c),
        text: kind === 'k' ? ' auto' : ' decltype(auto)',
      });
    default:
      return fail();
  }
}

/** `DF<bits>_` is _FloatN, `DF<bits>x` _FloatNx, `DF16b` the brain float. */
function parseFloat16(c: Cursor): Node {
  c.expect('DF');
  const bits = c.number();
  if (c.eat('b')) return { k: 'builtin', text: 'std::bfloat16_t', lit: 'float' };
  if (c.eat('x')) return { k: 'builtin', text: `_Float${bits}x`, lit: 'float' };
  c.expect('_');
  return { k: 'builtin', text: `_Float${bits}`, lit: 'float' };
}
