/**
 * The tree an Itanium C++ ABI name is parsed into. Nodes are shared (a substitution refers to the node it names),
 * so the tree is a DAG; template parameters stay unresolved until printing, as their meaning depends on the
 * function signature they are printed in.
 */

/** How a literal of a builtin type is spelled: bare, with a suffix, as a bool, as raw float bits, or behind a cast. */
export type LiteralStyle = 'bare' | 'u' | 'l' | 'ul' | 'll' | 'ull' | 'bool' | 'float' | 'cast';

/** An operator of the ABI's operator table: its two-letter code, its C++ spelling and its number of operands. */
export interface Operator {
  readonly code: string;
  readonly text: string;
  readonly arity: number;
}

export interface ListNode {
  readonly k: 'list';
  readonly items: readonly Node[];
}

export interface FunctionNode {
  readonly k: 'func';
  readonly ret: Node | null;
  readonly params: readonly Node[];
  /** What follows the parameter list: cv- and ref-qualifiers, exception specification; in print order. */
  readonly quals: readonly Node[];
}

/** A template parameter as declared in a lambda's own template head. */
export type TemplateHead =
  | { readonly of: 'type' }
  | { readonly of: 'value'; readonly type: Node }
  | { readonly of: 'template'; readonly heads: readonly TemplateHead[] }
  | { readonly of: 'pack'; readonly element: TemplateHead };

export type Node =
  | { readonly k: 'name'; readonly text: string }
  | { readonly k: 'builtin'; readonly text: string; readonly lit: LiteralStyle }
  /** One of the ABI's abbreviations (Ss, Sa, ...): what it prints, and the class name its constructors carry. */
  | { readonly k: 'std'; readonly text: string; readonly full: string; readonly base: string }
  | { readonly k: 'qual'; readonly scope: Node; readonly name: Node }
  | { readonly k: 'local'; readonly scope: Node; readonly name: Node }
  | { readonly k: 'tagged'; readonly name: Node; readonly tag: string }
  /** A C++20 module, with the separator of its parts written out. */
  | { readonly k: 'module'; readonly text: string }
  | { readonly k: 'inmodule'; readonly name: Node; readonly module: string }
  | { readonly k: 'template'; readonly name: Node; readonly args: ListNode }
  | ListNode
  | { readonly k: 'tparam'; readonly index: number }
  | { readonly k: 'fparam'; readonly index: number }
  | { readonly k: 'ctor'; readonly cls: Node }
  | { readonly k: 'dtor'; readonly cls: Node }
  | { readonly k: 'operator'; readonly op: Operator }
  | { readonly k: 'literalop'; readonly name: Node }
  | { readonly k: 'conversion'; readonly type: Node }
  | {
      readonly k: 'lambda';
      readonly heads: readonly TemplateHead[];
      readonly params: readonly Node[];
      readonly number: number;
    }
  | { readonly k: 'defaultarg'; readonly number: number; readonly name: Node }
  | { readonly k: 'binding'; readonly names: readonly Node[] }
  /** A function's name with its signature. */
  | { readonly k: 'encoding'; readonly name: Node; readonly type: FunctionNode }
  /** A member function's name with the qualifiers of its `this`. */
  | { readonly k: 'thisqual'; readonly name: Node; readonly quals: readonly Node[] }
  /** "vtable for X" and its like; `mid` and `second` serve the construction vtable. */
  | {
      readonly k: 'special';
      readonly prefix: string;
      readonly of: Node;
      readonly mid?: string;
      readonly second?: Node;
    }
  | { readonly k: 'pointer'; readonly op: '*' | '&' | '&&'; readonly to: Node }
  | { readonly k: 'cv'; readonly text: string; readonly of: Node }
  | { readonly k: 'vendorqual'; readonly qual: Node; readonly of: Node }
  | { readonly k: 'ptrmem'; readonly cls: Node; readonly member: Node }
  | FunctionNode
  | { readonly k: 'array'; readonly size: Node | null; readonly of: Node }
  | { readonly k: 'vector'; readonly size: Node; readonly of: Node }
  | { readonly k: 'suffixed'; readonly of: Node; readonly text: string }
  | { readonly k: 'decltype'; readonly expr: Node }
  | { readonly k: 'expand'; readonly pattern: Node }
  /** A qualifier with an operand: noexcept(expr), throw(types). */
  | { readonly k: 'spec'; readonly text: string; readonly of: Node }
  | { readonly k: 'literal'; readonly type: Node; readonly value: string; readonly negative: boolean }
  | { readonly k: 'unary'; readonly op: Operator; readonly of: Node; readonly postfix: boolean }
  | { readonly k: 'binary'; readonly op: Operator; readonly left: Node; readonly right: Node }
  | { readonly k: 'call'; readonly callee: Node; readonly args: ListNode }
  | { readonly k: 'member'; readonly op: string; readonly left: Node; readonly right: Node }
  | { readonly k: 'namedcast'; readonly text: string; readonly type: Node; readonly of: Node }
  | { readonly k: 'cast'; readonly type: Node; readonly of: Node }
  | { readonly k: 'trait'; readonly text: string; readonly of: Node }
  | { readonly k: 'packsize'; readonly of: Node }
  | { readonly k: 'conditional'; readonly test: Node; readonly yes: Node; readonly no: Node }
  | {
      readonly k: 'new';
      readonly place: ListNode;
      readonly type: Node;
      readonly init: Node | null;
    }
  | { readonly k: 'braces'; readonly type: Node | null; readonly items: ListNode }
  /** An element of a braced list with its designator: `.field=` or `[index]=` or `[index ... last]=`. */
  | {
      readonly k: 'designated';
      readonly field: Node | null;
      readonly index: Node | null;
      readonly last: Node | null;
      readonly value: Node;
    }
  | { readonly k: 'fold'; readonly op: Operator; readonly left: Node | null; readonly right: Node | null }
  | { readonly k: 'global'; readonly of: Node };

/** Thrown inside the demangler only: the name is not well formed, or a bound was reached. */
export class DemangleFailure extends Error {}

/** Leaves the demangler; `demangle` answers by returning the name as it was. */
export function fail(): never {
  throw FAILURE;
}

// One instance: making a stack trace per malformed name would dominate the cost of rejecting it.
const FAILURE = new DemangleFailure('malformed mangled name');
