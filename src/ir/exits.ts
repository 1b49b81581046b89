/** Why guest code leaves to the kernel. Plain constants: compiled by tsc and by the AssemblyScript compiler. */
export const EXIT_SYSCALL = 1;
export const EXIT_FAULT = 2;
export const EXIT_ILLEGAL = 3;
export const EXIT_BREAK = 4;
export const EXIT_FENCEI = 5;
export const EXIT_MISALIGNED = 6;
/** Control reached the trampoline that stands in for the return address of a wrapped function. */
export const EXIT_RETURN = 7;
/** Valgrind's client request sequence; next is behind it. */
export const EXIT_CLIENT = 8;
/** The thread has used up its steps (jit/steps.ts). */
export const EXIT_STEP = 9;

/**
 * Return address given to wrapped functions in place of their own. It lies beyond every user address, so the
 * guest cannot have mapped anything there.
 */
export const TRAMPOLINE = 0x7ffffffff000;
