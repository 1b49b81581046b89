# Entry of sigma0 and the root task: the kernel gives them no stack (9.3); sigma0 finds the address of the kernel info page
# in a0. Threads start as in start.S.

        .section .text.start, "ax"
        .globl  _start
        .type   _start, @function
_start:
        la      sp, first_stack_end
        li      ra, 0
        li      s0, 0
        call    l4_boot
        unimp
        .size   _start, . - _start

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

        .bss
        .balign 4096
        .skip   16384
first_stack_end:

        .section .note.GNU-stack,"",@progbits
