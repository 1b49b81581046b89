/** placeholder */
import { fail } from './demangle-ast.js';
export function demangleRustLegacy(_name: string): string | null {
  return null;
}
export function demangleRustV0(_name: string): string {
  fail();
}
