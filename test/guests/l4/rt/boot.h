/* What only sigma0 and root tasks need. */
#ifndef BOOT_H
#define BOOT_H
#include "l4.h"

/* Sigma0's protocol (9.2): low byte of MR0, all ones above. */
enum { S0_RAM = 0x60, S0_ANY_RAM = 0x90, S0_KIP = 0xa0 };
#define S0_REQUEST(id) (~0xffUL | (id))

/* Memory descriptors of the kernel info page (8). */
struct memory_descriptor { u64 start_and_type, last; };
enum { MEMORY_TYPE = 0xf, MEMORY_VIRTUAL = 0x200, CONVENTIONAL = 1 };

/* The boot loader's modules (9.3). */
struct module { u64 flags, start, end, text; };
struct modules { u64 flags, text, first; u32 count; };
#endif
