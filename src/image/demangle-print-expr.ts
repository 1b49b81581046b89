/** Prints the expressions of an Itanium C++ ABI name in libiberty's spelling: operands in parentheses, few spaces. */
import { fail, type Node } from './demangle-ast.js';
import type { Printer } from './demangle-print.js';

/** An operand: in parentheses unless it is a plain name, a parameter or a braced list. */
export function printOperand(p: Printer, n: Node): void {
  const simple = n.k === 'name' || n.k === 'fparam' || n.k === 'braces' || n.k === 'qual';
  if (!simple) p.put('(');
  p.print(n);
  if (!simple) p.put(')');
}

function parenthesised(p: Printer, n: Node): void {
  p.put('(');
  p.print(n);
  p.put(')');
}

/** Prints any node that is an expression; fails on others, which only malformed names bring here. */
export function printExpression(p: Printer, n: Node): void {
  switch (n.k) {
    case 'spec':
      p.put(n.text);
      parenthesised(p, n.of);
      return;
    case 'literal':
      printLiteral(p, n);
      return;
    case 'unary':
      printUnary(p, n);
      return;
    case 'binary': {
      // A bare > would read as the end of the template argument list.
      const greater = n.op.text === '>';
      if (greater) p.put('(');
      printOperand(p, n.left);
      if (n.op.code === 'ix') {
        p.put('[');
        p.print(n.right);
        p.put(']');
      } else {
        p.put(n.op.text);
        printOperand(p, n.right);
      }
      if (greater) p.put(')');
      return;
    }
    case 'call':
      // A function that is called is named without its signature.
      if (n.callee.k === 'encoding') p.print(n.callee.name);
      else printOperand(p, n.callee);
      parenthesised(p, n.args);
      return;
    case 'member':
      printOperand(p, n.left);
      p.put(n.op);
      printOperand(p, n.right);
      return;
    case 'namedcast':
      p.put(`${n.text}<`);
      p.print(n.type);
      p.put('>');
      parenthesised(p, n.of);
      return;
    case 'cast':
      parenthesised(p, n.type);
      printOperand(p, n.of);
      return;
    case 'trait':
      p.put(n.text);
      parenthesised(p, n.of);
      return;
    case 'packsize': {
      const length = p.packLength(n.of);
      if (length >= 0) {
        p.put(String(length));
        return;
      }
      p.put('sizeof...');
      parenthesised(p, n.of);
      return;
    }
    case 'conditional':
      printOperand(p, n.test);
      p.put('?');
      printOperand(p, n.yes);
      p.put(' : ');
      printOperand(p, n.no);
      return;
    case 'new':
      p.put('new ');
      if (n.place.items.length > 0) {
        parenthesised(p, n.place);
        p.put(' ');
      }
      p.print(n.type);
      if (n.init !== null) printOperand(p, n.init);
      return;
    case 'braces':
      if (n.type !== null) p.print(n.type);
      p.put('{');
      p.print(n.items);
      p.put('}');
      return;
    case 'designated':
      if (n.field !== null) {
        p.put('.');
        p.print(n.field);
      } else if (n.index !== null) {
        p.put('[');
        p.print(n.index);
        if (n.last !== null) {
          p.put(' ... ');
          p.print(n.last);
        }
        p.put(']');
      }
      p.put('=');
      printOperand(p, n.value);
      return;
    case 'fold':
      printFold(p, n.op.text, n.left, n.right);
      return;
    case 'global':
      p.put('::');
      p.print(n.of);
      return;
    default:
      fail();
  }
}

function printUnary(p: Printer, n: Node & { k: 'unary' }): void {
  if (n.postfix) {
    printOperand(p, n.of);
    p.put(n.op.text);
    return;
  }
  p.put(n.op.text);
  const { of } = n;
  // The address of a member function: its signature is the type's business.
  if (n.op.code === 'ad' && of.k === 'encoding' && of.name.k === 'qual') p.print(of.name);
  else printOperand(p, of);
}

function printFold(p: Printer, op: string, left: Node | null, right: Node | null): void {
  p.put('(');
  if (left !== null) {
    printOperand(p, left);
    p.put(op);
  }
  p.put('...');
  if (right !== null) {
    p.put(op);
    printOperand(p, right);
  }
  p.put(')');
}

function printLiteral(p: Printer, n: Node & { k: 'literal' }): void {
  const { type } = n;
  const value = (n.negative ? '-' : '') + n.value;
  if (type.k === 'builtin') {
    switch (type.lit) {
      case 'bare':
        p.put(value);
        return;
      case 'u':
      case 'l':
      case 'ul':
      case 'll':
      case 'ull':
        p.put(value + type.lit);
        return;
      case 'bool':
        if (value === '0') {
          p.put('false');
          return;
        }
        if (value === '1') {
          p.put('true');
          return;
        }
        break;
      case 'float':
        parenthesised(p, type);
        p.put(`[${value}]`);
        return;
    }
  }
  parenthesised(p, type);
  p.put(value);
}
