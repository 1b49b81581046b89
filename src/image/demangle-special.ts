/** Itanium C++ ABI special names: tables, thunks, guards, and what else the compiler makes up (chapter 5.1.4). */
import { fail, type Node } from './demangle-ast.js';
import type { Cursor } from './demangle-cursor.js';
import { parseEncoding, parseName, parseTemplateArg } from './demangle-names.js';
import { parseType } from './demangle-types.js';
import { parseModule } from './demangle-unqualified.js';

const OF_TYPE: Readonly<Record<string, string>> = {
  V: 'vtable for ',
  T: 'VTT for ',
  I: 'typeinfo for ',
  S: 'typeinfo name for ',
  F: 'typeinfo fn for ',
  J: 'java Class for ',
};

/** A name that starts with `T` or `G`. */
export function parseSpecialName(c: Cursor): Node {
  const family = c.peek();
  const kind = c.peek(1);
  c.pos += 2;
  return family === 'T' ? parseT(c, kind) : parseG(c, kind);
}

const special = (prefix: string, of: Node): Node => ({ k: 'special', prefix, of });

function parseT(c: Cursor, kind: string): Node {
  const ofType = OF_TYPE[kind];
  if (ofType !== undefined) return special(ofType, parseType(c));
  switch (kind) {
    case 'C': {
      const derived = parseType(c);
      c.skipSigned();
      c.expect('_');
      return {
        k: 'special',
        prefix: 'construction vtable for ',
        of: parseType(c),
        mid: '-in-',
        second: derived,
      };
    }
    case 'h':
    case 'v':
      skipCallOffset(c, kind);
      return special(kind === 'h' ? 'non-virtual thunk to ' : 'virtual thunk to ', parseEncoding(c));
    case 'c':
      skipCallOffset(c, '');
      skipCallOffset(c, '');
      return special('covariant return thunk to ', parseEncoding(c));
    case 'H':
      return special('TLS init function for ', parseName(c));
    case 'W':
      return special('TLS wrapper function for ', parseName(c));
    case 'A':
      return special('template parameter object for ', parseTemplateArg(c));
    default:
      return fail();
  }
}

function parseG(c: Cursor, kind: string): Node {
  switch (kind) {
    case 'V':
      return special('guard variable for ', parseName(c));
    case 'R': {
      const of = parseName(c);
      const id = /^[0-9A-Z]{0,6}/.exec(c.src.slice(c.pos, c.pos + 6))![0];
      c.pos += id.length;
      // GCC once wrote a bare number; the ABI has a sequence id in base 36, absent for the first.
      if (!c.eat('_')) {
        if (!/^[0-9]+$/.test(id)) fail();
        return special(`reference temporary #${id} for `, of);
      }
      const n = id === '' ? 0 : Number.parseInt(id, 36) + 1;
      return special(`reference temporary #${n} for `, of);
    }
    case 'I': {
      const module = parseModule(c, '');
      if (module === '') fail();
      return special('initializer for module ', { k: 'name', text: module });
    }
    case 'A':
      return special('hidden alias for ', parseEncoding(c));
    case 'T': {
      const clone = c.peek() === 'n' ? 'non-transaction clone for ' : 'transaction clone for ';
      c.pos++;
      return special(clone, parseEncoding(c));
    }
    default:
      return fail();
  }
}

/** How a thunk adjusts `this`: `h offset _` or `v offset _ offset _`; `kind` is the letter already read, if any. */
function skipCallOffset(c: Cursor, kind: string): void {
  let letter = kind;
  if (letter === '') {
    letter = c.peek();
    c.pos++;
  }
  if (letter !== 'h' && letter !== 'v') fail();
  c.skipSigned();
  c.expect('_');
  if (letter === 'v') {
    c.skipSigned();
    c.expect('_');
  }
}
