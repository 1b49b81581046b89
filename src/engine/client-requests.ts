/** Client requests that the core answers, whatever the tool (valgrind-facts 6.2). */
import type { GuestMem } from '../../kernel/core/guest-mem.js';

const RUNNING_ON_VALGRIND = 0x1001;
const DISCARD_TRANSLATIONS = 0x1002;
const PRINTF_BY_REF = 0x1403;
const PRINTF_BACKTRACE_BY_REF = 0x1404;
const RUNNING_VERSION = 0x1005;
/** The version whose requests and texts are followed. */
const VALGRIND_VERSION = 328;

/**
 * Result of a core request, undefined when it is not one.
 * @param say prints a message of the guest
 */
export function coreRequest(
  request: number,
  args: readonly number[],
  say: (text: string) => void,
  mem: GuestMem,
): number | undefined {
  switch (request) {
    case RUNNING_ON_VALGRIND:
      return 1;
    case RUNNING_VERSION:
      return VALGRIND_VERSION;
    case DISCARD_TRANSLATIONS:
      return 0;
    case PRINTF_BY_REF:
    case PRINTF_BACKTRACE_BY_REF: {
      // On riscv64 a va_list is a pointer to the argument words; the second argument points to it.
      const text = format(mem.cstring(args[0]!) ?? '', mem.readI64(args[1]!), mem);
      say(text.replace(/\n$/, ''));
      return text.length;
    }
    default:
      return undefined;
  }
}

/** printf conversions over argument words in guest memory: d i u x X o c s p, with flags and width. */
function format(fmt: string, args: number, mem: GuestMem): string {
  let at = args;
  const next = (): number => {
    const v = mem.readI64(at);
    at += 8;
    return v;
  };
  return fmt.replace(
    /%([-0]?)(\d*)(?:hh|h|ll|l|z|j|t)?([diuxXocsp%])/g,
    (_, flag: string, width: string, conv: string) => {
      if (conv === '%') return '%';
      const v = next();
      const text = convert(conv, v, mem);
      const n = Number(width || 0);
      return flag === '-' ? text.padEnd(n) : text.padStart(n, flag === '0' ? '0' : ' ');
    },
  );
}

function convert(conv: string, v: number, mem: GuestMem): string {
  switch (conv) {
    case 's':
      return mem.cstring(v) ?? '(null)';
    case 'c':
      return String.fromCharCode(v & 255);
    case 'x':
      return BigInt.asUintN(64, BigInt(v)).toString(16);
    case 'X':
      return BigInt.asUintN(64, BigInt(v)).toString(16).toUpperCase();
    case 'p':
      return `0x${BigInt.asUintN(64, BigInt(v)).toString(16)}`;
    case 'o':
      return BigInt.asUintN(64, BigInt(v)).toString(8);
    case 'u':
      return BigInt.asUintN(64, BigInt(v)).toString();
    default:
      return String(v);
  }
}
