/** What both ways to start a system do with the kernel lock held: make root objects and hand out capabilities to them. */
import * as A from './abi.js';
import type { L4Kernel } from './kernel.js';
import * as L from './layout.js';

/** Rights of a capability that a task finds at its start: not to destroy what it names. */
export const GIVEN = A.CAP_W | A.CAP_S | A.CAP_R | A.CAP_OBJECT_RIGHTS | L.SLOT_COUNTED;

/** An object that no factory pays for. Throws Error when there is no room. */
export function rootObject(kernel: L4Kernel, kind: number): number {
  const obj = kernel.state.alloc(kind, 0, 0);
  if (obj === 0) throw new Error('no room for kernel objects');
  return obj;
}

/** Fills slot `index` of a task. Throws Error when its table has no room. */
export function handOut(kernel: L4Kernel, task: number, index: number, obj: number, rights: number): void {
  if (!kernel.caps.fill(task, index, obj, rights, 'create')) throw new Error('no room for capabilities');
}
