/** Giving memory back to the host, by the small piece of native code in native/host-memory.c where it loads. */
import { createRequire } from 'node:module';
import type { Discard } from '../../kernel/core/machine.js';
import { HOST_MEMORY } from './paths.js';

/** What the native code exports: 0 for success. */
type Native = (...args: Parameters<Discard>) => number;

/** Loaded when first needed; null where there is none for this host, or CAPGRIND_NATIVE=no asks to do without. */
let native: Native | null | undefined;

/** `Machine.discard` for this host. */
export const hostDiscard: Discard = (bytes, host, length) => {
  if (native === undefined) native = load();
  return native !== null && native(bytes, host, length) === 0;
};

function load(): Native | null {
  if (process.env['CAPGRIND_NATIVE'] === 'no') return null;
  try {
    return createRequire(import.meta.url)(HOST_MEMORY) as Native;
  } catch {
    return null;
  }
}
