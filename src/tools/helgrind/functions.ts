/** Which functions of the C and C++ libraries helgrind looks into, by name (valgrind-facts 7.3). */

/** Functions that read and write memory on behalf of their caller: their accesses are the caller's. */
const COPYING = new Set(
  (
    'strrchr rindex strchr index strchrnul strcat strncat strlcat strnlen strlen strcpy strncpy strlcpy stpcpy stpncpy ' +
    'strncmp strcmp strcasecmp strncasecmp strcasecmp_l strncasecmp_l memchr memrchr rawmemchr memcpy mempcpy memccpy ' +
    'memmove memset memcmp bcmp bcopy bzero strstr strcasestr memmem strpbrk strcspn strspn wcslen wcsnlen wcscmp wcsncmp ' +
    'wcscpy wcsncpy wcpncpy wcscat wcschr wcsrchr wmemchr wmemcmp wmemcpy wmemset'
  ).split(' '),
);

/** Functions whose atomic instructions order their callers, while what else they touch is their own. */
const SYNCHRONISING = new Set(
  'pthread_once pthread_once_slow call_once cxa_guard_acquire cxa_guard_release cxa_guard_abort'.split(' '),
);

/** Name without what libraries put around it for their own use: `__GI_memcpy`, `__memcpy_generic`, `__strcpy_chk`. */
const plainName = (name: string): string =>
  name.replace(/^_+(GI_)?(_+)?/, '').replace(/_(generic|noalignment|chk)$/, '');

export function isCopying(name: string): boolean {
  return COPYING.has(plainName(name));
}

/** pthread_once and its kind, and libatomic's functions. */
export function isSynchronising(name: string): boolean {
  return SYNCHRONISING.has(plainName(name)) || /^(__atomic_|libat_)/.test(name);
}
