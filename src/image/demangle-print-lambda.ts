/** Prints closure types in libiberty's spelling: `{lambda(int)#1}`, `{lambda<typename $T0>($T0, auto:2)#1}`. */
import type { Node, TemplateHead } from './demangle-ast.js';
import type { Printer } from './demangle-print.js';

/** What a lambda's template parameter is called: from its head `$T0`, `$N0`, `$TT0`; else it is an `auto`. */
export function parameterName(heads: readonly TemplateHead[], index: number): string {
  let head = heads[index];
  if (head === undefined) return `auto:${index + 1}`;
  while (head.of === 'pack') head = head.element;
  const letter = head.of === 'type' ? 'T' : head.of === 'value' ? 'N' : 'TT';
  return `$${letter}${index}`;
}

/** A closure type: its template head if it has one, its parameters, its number in its scope. */
export function printLambda(p: Printer, n: Node & { k: 'lambda' }): void {
  const outer = p.lambdaHeads;
  p.lambdaHeads = n.heads;
  p.put('{lambda');
  if (n.heads.length > 0) {
    p.put('<');
    n.heads.forEach((head, i) => {
      if (i > 0) p.put(', ');
      printHead(p, head);
      p.put(` ${parameterName(n.heads, i)}`);
    });
    p.put('>');
  }
  p.put('(');
  p.list(n.params);
  p.lambdaHeads = outer;
  p.put(`)#${n.number}}`);
}

/** The declaration of a template parameter without its name. */
function printHead(p: Printer, head: TemplateHead): void {
  switch (head.of) {
    case 'type':
      p.put('typename');
      break;
    case 'value':
      p.print(head.type);
      break;
    case 'pack':
      printHead(p, head.element);
      p.put('...');
      break;
    case 'template':
      p.put('template<');
      head.heads.forEach((inner, i) => {
        if (i > 0) p.put(', ');
        printHead(p, inner);
      });
      p.put('> class');
      break;
  }
}
