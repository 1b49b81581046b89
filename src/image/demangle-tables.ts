/** Itanium C++ ABI tables: operators, builtin types, standard abbreviations (chapter 5.1 of the ABI). */
import type { LiteralStyle, Node, Operator } from './demangle-ast.js';

// code, spelling, number of operands. A spelling that ends in a space is a word before its operand.
const OPERATOR_ROWS: readonly (readonly [string, string, number])[] = [
  ['nw', 'new', 3],
  ['na', 'new[]', 3],
  ['dl', 'delete ', 1],
  ['da', 'delete[] ', 1],
  ['aw', 'co_await ', 1],
  ['ps', '+', 1],
  ['ng', '-', 1],
  ['ad', '&', 1],
  ['de', '*', 1],
  ['co', '~', 1],
  ['nt', '!', 1],
  ['pp', '++', 1],
  ['mm', '--', 1],
  ['pl', '+', 2],
  ['mi', '-', 2],
  ['ml', '*', 2],
  ['dv', '/', 2],
  ['rm', '%', 2],
  ['an', '&', 2],
  ['or', '|', 2],
  ['eo', '^', 2],
  ['aS', '=', 2],
  ['pL', '+=', 2],
  ['mI', '-=', 2],
  ['mL', '*=', 2],
  ['dV', '/=', 2],
  ['rM', '%=', 2],
  ['aN', '&=', 2],
  ['oR', '|=', 2],
  ['eO', '^=', 2],
  ['ls', '<<', 2],
  ['rs', '>>', 2],
  ['lS', '<<=', 2],
  ['rS', '>>=', 2],
  ['eq', '==', 2],
  ['ne', '!=', 2],
  ['lt', '<', 2],
  ['gt', '>', 2],
  ['le', '<=', 2],
  ['ge', '>=', 2],
  ['ss', '<=>', 2],
  ['aa', '&&', 2],
  ['oo', '||', 2],
  ['cm', ',', 2],
  ['pm', '->*', 2],
  ['pt', '->', 2],
  ['cl', '()', 2],
  ['ix', '[]', 2],
  ['qu', '?', 3],
];

/** Operators by their two-letter code. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  OPERATOR_ROWS.map(([code, text, arity]) => [code, { code, text, arity }]),
);

const builtin = (text: string, lit: LiteralStyle): Node => ({ k: 'builtin', text, lit });

/** Builtin types of one letter. */
export const BUILTINS: ReadonlyMap<string, Node> = new Map([
  ['a', builtin('signed char', 'cast')],
  ['b', builtin('bool', 'bool')],
  ['c', builtin('char', 'cast')],
  ['d', builtin('double', 'float')],
  ['e', builtin('long double', 'float')],
  ['f', builtin('float', 'float')],
  ['g', builtin('__float128', 'float')],
  ['h', builtin('unsigned char', 'cast')],
  ['i', builtin('int', 'bare')],
  ['j', builtin('unsigned int', 'u')],
  ['l', builtin('long', 'l')],
  ['m', builtin('unsigned long', 'ul')],
  ['n', builtin('__int128', 'cast')],
  ['o', builtin('unsigned __int128', 'cast')],
  ['s', builtin('short', 'cast')],
  ['t', builtin('unsigned short', 'cast')],
  ['v', builtin('void', 'cast')],
  ['w', builtin('wchar_t', 'cast')],
  ['x', builtin('long long', 'll')],
  ['y', builtin('unsigned long long', 'ull')],
  ['z', builtin('...', 'cast')],
]);

/** Builtin types of the form D and one letter. */
export const D_BUILTINS: ReadonlyMap<string, Node> = new Map([
  ['a', builtin('auto', 'cast')],
  ['c', builtin('decltype(auto)', 'cast')],
  ['d', builtin('decimal64', 'cast')],
  ['e', builtin('decimal128', 'cast')],
  ['f', builtin('decimal32', 'cast')],
  ['h', builtin('half', 'float')],
  ['i', builtin('char32_t', 'cast')],
  ['n', builtin('decltype(nullptr)', 'cast')],
  ['s', builtin('char16_t', 'cast')],
  ['u', builtin('char8_t', 'cast')],
]);

const std = (name: string, base: string, args: string): Node => ({
  k: 'std',
  text: `std::${name}`,
  full: `std::${base}${args}`,
  base,
});

/** Abbreviations S and one letter; St (the namespace std) is handled by the name parser. */
export const STANDARD: ReadonlyMap<string, Node> = new Map([
  ['a', std('allocator', 'allocator', '')],
  ['b', std('basic_string', 'basic_string', '')],
  ['s', std('string', 'basic_string', '<char, std::char_traits<char>, std::allocator<char> >')],
  ['i', std('istream', 'basic_istream', '<char, std::char_traits<char> >')],
  ['o', std('ostream', 'basic_ostream', '<char, std::char_traits<char> >')],
  ['d', std('iostream', 'basic_iostream', '<char, std::char_traits<char> >')],
]);
