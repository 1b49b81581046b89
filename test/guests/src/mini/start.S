# Entry and thread creation of the freestanding guests. gp stays unset: nothing is relaxed to use it.

        .globl  _start
        .type   _start, @function
_start:
        mv      a0, sp                  # argc, argv, envp, auxv lie here
        andi    sp, sp, -16
        li      ra, 0
        li      s0, 0
        call    mini_begin
        unimp
        .size   _start, . - _start

# long mini_clone(flags, stack_top, parent_tid, tls, child_tid, function, argument)
# Returns the system call's result in the parent; the child calls function(argument) and exits.
        .globl  mini_clone
        .type   mini_clone, @function
mini_clone:
        andi    a1, a1, -16
        addi    a1, a1, -16
        sd      a5, 0(a1)
        sd      a6, 8(a1)
        li      a7, 220
        ecall
        beqz    a0, 1f
        ret
1:      li      ra, 0
        li      s0, 0
        ld      a1, 0(sp)
        ld      a0, 8(sp)
        addi    sp, sp, 16
        jalr    a1
        li      a7, 93
        ecall
        unimp
        .size   mini_clone, . - mini_clone

# long mini_clone3(args, size, function, argument): the same through clone3.
        .globl  mini_clone3
        .type   mini_clone3, @function
mini_clone3:
        li      a7, 435
        ecall
        beqz    a0, 1f
        ret
1:      li      ra, 0
        li      s0, 0
        mv      a0, a3                  # the kernel keeps every register but a0 and sp
        jalr    a2
        li      a7, 93
        ecall
        unimp
        .size   mini_clone3, . - mini_clone3

        .section .note.GNU-stack,"",@progbits
