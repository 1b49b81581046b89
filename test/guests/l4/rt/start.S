# Entry of the program and of its threads. gp stays unset: nothing is relaxed to use it. tp is the kernel's: 24 bytes
# below it lies the address of the thread's UTCB (section 3 of the ABI notes).

        .section .text.start, "ax"
        .globl  _start
        .type   _start, @function
_start:
        mv      a0, sp                  # argc, argv, envp, auxv lie here
        andi    sp, sp, -16
        li      ra, 0
        li      s0, 0
        call    l4_begin
        unimp
        .size   _start, . - _start

# A thread starts with nothing but ip and sp: its function and argument lie on its stack.
        .text
        .globl  l4_thread_start
        .type   l4_thread_start, @function
l4_thread_start:
        li      ra, 0
        li      s0, 0
        ld      a0, 0(sp)
        call    l4_thread_body
        unimp
        .size   l4_thread_start, . - l4_thread_start

# Where the loader shall map the kernel info page: type 4, 24 bytes.
        .section .rol4re_elf_aux, "a"
        .balign 8
        .quad   4, 24, 0x7fff0000

        .section .note.GNU-stack,"",@progbits
