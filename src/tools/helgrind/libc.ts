/** What differs between the C libraries in objects that helgrind looks into. */
import type { ToolHost } from '../api.js';

/** Kinds of a pthread_mutex_t: the bits that say which, and the one that may be taken again (both libraries). */
const KIND_MASK = 3;
const KIND_RECURSIVE = 1;
/** Where the kind is: glibc on riscv64 (bits/struct_mutex.h), musl (pthread_impl.h). */
const GLIBC_KIND = 16;
const MUSL_KIND = 0;

export class Libc {
  private musl: boolean | null = null;

  constructor(private readonly host: ToolHost) {}

  /** By functions of its own that each program has: the dynamic linker's entry, and the start of static programs. */
  isMusl(): boolean {
    const { symbols } = this.host;
    this.musl ??= ['__dls3', '__init_libc'].some((name) => symbols.addressesOf(name).length > 0);
    return this.musl;
  }

  /** Whether the mutex may be taken again by its owner; null when that cannot be told. */
  recursive(addr: number): boolean | null {
    const kind = this.host.memory.word(addr + (this.isMusl() ? MUSL_KIND : GLIBC_KIND));
    return kind === null ? null : (kind & KIND_MASK) === KIND_RECURSIVE;
  }
}
