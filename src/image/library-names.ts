/** Files and functions that belong to the C and C++ run-time libraries rather than to the program under test. */

const LIBRARY_FILE =
  /^(?:ld|ld-linux.*|ld-musl.*|lib(?:c|m|pthread|rt|dl|gcc_s|stdc\+\+|c\+\+|c\+\+abi|atomic))[-.].*so(?:\.|$)|^ld(?:64)?\.so/;

/** True for a library's file name (without directories), for example `libc.so.6`, `libm-2.36.so`, `ld-linux-riscv64-lp64d.so.1`. */
export function isLibraryFile(name: string): boolean {
  return LIBRARY_FILE.test(name);
}

/** True for a folder that C and thread library of L4Re are compiled in: the package `l4re-core`. */
export const isLibraryFolder = (path: string): boolean => path.split('/').includes('l4re-core');

const PREFIXES =
  /^(?:_IO_|_?_libc_|_?_GI_|__pthread_|___pthread_|pthread_|_dl_|__dl_|_int_|__str|__mem|__new_sem_|sem_|__cxa_|__gcc_|_Unwind_|__vf?printf|__vs?n?printf|__printf|__f?printf|__nptl_|__lll_|__tls_|__tz|__mktime|__nss_|__gconv|__wcs|__getdelim|___?asprintf)/;

const NAMES: ReadonlySet<string> = new Set(
  (
    'malloc free calloc realloc memalign aligned_alloc posix_memalign reallocarray malloc_consolidate sysmalloc ' +
    'systrim unlink_chunk tcache_init ' +
    'printf fprintf sprintf snprintf vprintf vfprintf vsprintf vsnprintf dprintf puts fputs putchar putc fputc ' +
    'fwrite fread fopen fclose fflush fgets getc fgetc getline scanf sscanf fscanf perror ' +
    'memcpy memmove memset memcmp memchr strlen strcpy strncpy strcat strncat strcmp strncmp strchr strrchr strstr ' +
    'strdup strndup strtol strtoul strtod strerror stpcpy qsort bsearch ' +
    'start_thread __clone clone thread_start thrd_create exit _exit abort raise atexit ' +
    'read write open close lseek mmap munmap mprotect brk sbrk nanosleep usleep sleep sched_yield getenv ' +
    '__sigsetjmp longjmp _longjmp __assert_fail __stack_chk_fail __fortify_fail __chk_fail _start _init _fini'
  ).split(' '),
);

/** True for a name that, in a program without any debug information, is taken for the C library's. */
export function isLibraryFunction(name: string): boolean {
  const at = name.indexOf('@');
  const plain = at < 0 ? name : name.slice(0, at);
  return NAMES.has(plain) || PREFIXES.test(plain);
}
