/**
 * The system call table of riscv64 Linux as data: dispatch, the --trace-syscalls formatter and docs/syscalls.md
 * are all made from these rows. Numbers are those of asm-generic/unistd.h and asm/unistd.h.
 *
 * Argument kinds are written as one word each. They decide how a register becomes a JavaScript number (kinds in
 * WIDE take all 64 bits, the others the low 32, signed) and how a trace line shows it.
 */
import { EACCES, ENOSYS, EPERM } from './errno.js';
import type { LinuxKernel } from './kernel.js';
import { EVENT_CALLS } from './sys-event.js';
import { FD_CALLS } from './sys-fd.js';
import { FUTEX_CALLS } from './sys-futex.js';
import { INFO_CALLS } from './sys-info.js';
import { IO_CALLS } from './sys-io.js';
import { MEM_CALLS } from './sys-mem.js';
import { PATH_CALLS } from './sys-path.js';
import { SIGNAL_CALLS } from './sys-signal.js';
import { STAT_CALLS } from './sys-stat.js';
import { THREAD_CALLS } from './sys-thread.js';
import { TIME_CALLS } from './sys-time.js';
import { TIMER_CALLS } from './sys-timer.js';

/** One system call: result or negative error number; LEAVE when the thread does not come back from the call. */
export type Handler = (
  k: LinuxKernel,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
) => number;
export type Handlers = Readonly<Record<string, Handler>>;
export type Support = 'full' | 'partial' | 'refused';

export type ArgKind =
  | 'int' // signed decimal, 32 bits
  | 'hex' // 32 bits, hexadecimal
  | 'mode' // 32 bits, octal
  | 'fd' // a file descriptor
  | 'dirfd' // a directory file descriptor or AT_FDCWD
  | 'oflags' // O_*
  | 'prot' // PROT_*
  | 'mapflags' // MAP_*
  | 'sig' // a signal number
  | 'futexop' // FUTEX_*
  | 'clock' // CLOCK_*
  | 'ptr' // an address
  | 'str' // address of a C string
  | 'buf' // address of data that the call reads, as many bytes as the next argument says
  | 'size' // unsigned, 64 bits, decimal
  | 'off' // signed, 64 bits, decimal
  | 'bits'; // 64 bits, hexadecimal

/** Kinds that take the whole register. */
export const WIDE: ReadonlySet<ArgKind> = new Set<ArgKind>(['ptr', 'str', 'buf', 'size', 'off', 'bits']);

export interface Row {
  readonly nr: number;
  readonly name: string;
  readonly args: readonly ArgKind[];
  readonly support: Support;
  readonly handler?: Handler;
  /** What a refused call answers. */
  readonly errno: number;
  readonly note: string;
}

function row(
  nr: number,
  name: string,
  args: string,
  support: Support,
  family: Handlers | undefined,
  errno: number,
  note: string,
): Row {
  const kinds = (args === '' ? [] : args.split(' ')) as ArgKind[];
  const handler = family?.[name];
  return { nr, name, args: kinds, support, errno, note, ...(handler && { handler }) };
}

const full = (nr: number, name: string, args: string, family: Handlers) =>
  row(nr, name, args, 'full', family, 0, '');
const part = (nr: number, name: string, args: string, family: Handlers, note: string) =>
  row(nr, name, args, 'partial', family, 0, note);
const no = (nr: number, name: string, args: string, errno: number, note: string) =>
  row(nr, name, args, 'refused', undefined, errno, note);

const PROCESSES = 'processes come with a later issue';
const SOCKETS = 'sockets come with a later issue';
const SIGNALS = 'rt_sigtimedwait does the same';
const STOPS = 'signals that stop a process do nothing';
const EPOLL = 'comes with a later issue; poll and select work';
const ITIMERS = 'ITIMER_REAL only';
const ADMIN = 'needs a privilege the guest never has';
const XATTR = 'extended attributes are not carried over';
const SYSV = 'System V IPC comes with a later issue';

export const ROWS: readonly Row[] = [
  no(5, 'setxattr', 'str str ptr size int', ENOSYS, XATTR),
  no(8, 'getxattr', 'str str ptr size', ENOSYS, XATTR),
  no(9, 'lgetxattr', 'str str ptr size', ENOSYS, XATTR),
  no(10, 'fgetxattr', 'fd str ptr size', ENOSYS, XATTR),
  no(11, 'listxattr', 'str ptr size', ENOSYS, XATTR),
  no(12, 'llistxattr', 'str ptr size', ENOSYS, XATTR),
  full(17, 'getcwd', 'ptr size', PATH_CALLS),
  part(19, 'eventfd2', 'int hex', EVENT_CALLS, 'counters above 2^53 lose their low bits'),
  no(20, 'epoll_create1', 'hex', ENOSYS, EPOLL),
  no(21, 'epoll_ctl', 'fd int fd ptr', ENOSYS, EPOLL),
  no(22, 'epoll_pwait', 'fd ptr int int ptr', ENOSYS, EPOLL),
  full(23, 'dup', 'fd', FD_CALLS),
  full(24, 'dup3', 'fd fd oflags', FD_CALLS),
  part(25, 'fcntl', 'fd int ptr', FD_CALLS, 'record locks are granted without asking other host processes'),
  no(26, 'inotify_init1', 'hex', ENOSYS, 'file watching is not offered'),
  part(
    29,
    'ioctl',
    'fd hex ptr',
    FD_CALLS,
    'terminals: TCGETS, TIOCGWINSZ, TIOCGPGRP; FIONREAD, FIONBIO, FIOCLEX',
  ),
  no(31, 'ioprio_get', 'int int', ENOSYS, 'no I/O priorities'),
  part(32, 'flock', 'fd int', FD_CALLS, 'granted without asking other host processes'),
  no(33, 'mknodat', 'dirfd str mode size', EPERM, 'device nodes and named pipes are not made'),
  full(34, 'mkdirat', 'dirfd str mode', PATH_CALLS),
  full(35, 'unlinkat', 'dirfd str hex', PATH_CALLS),
  full(36, 'symlinkat', 'str dirfd str', PATH_CALLS),
  full(37, 'linkat', 'dirfd str dirfd str hex', PATH_CALLS),
  full(38, 'renameat', 'dirfd str dirfd str', PATH_CALLS),
  no(39, 'umount2', 'str hex', EPERM, ADMIN),
  no(40, 'mount', 'str str str bits ptr', EPERM, ADMIN),
  full(43, 'statfs', 'str ptr', STAT_CALLS),
  full(44, 'fstatfs', 'fd ptr', STAT_CALLS),
  full(45, 'truncate', 'str off', PATH_CALLS),
  full(46, 'ftruncate', 'fd off', FD_CALLS),
  part(
    47,
    'fallocate',
    'fd hex off off',
    FD_CALLS,
    'mode 0 only, and it extends the file without reserving blocks',
  ),
  full(48, 'faccessat', 'dirfd str hex', PATH_CALLS),
  full(49, 'chdir', 'str', PATH_CALLS),
  full(50, 'fchdir', 'fd', PATH_CALLS),
  no(51, 'chroot', 'str', EPERM, ADMIN),
  full(52, 'fchmod', 'fd mode', FD_CALLS),
  full(53, 'fchmodat', 'dirfd str mode', PATH_CALLS),
  full(54, 'fchownat', 'dirfd str int int hex', PATH_CALLS),
  full(55, 'fchown', 'fd int int', FD_CALLS),
  part(
    56,
    'openat',
    'dirfd str oflags mode',
    PATH_CALLS,
    '/proc/self is synthesised; other processes are as on the host',
  ),
  full(57, 'close', 'fd', FD_CALLS),
  full(59, 'pipe2', 'ptr oflags', EVENT_CALLS),
  full(61, 'getdents64', 'fd ptr size', STAT_CALLS),
  full(62, 'lseek', 'fd off int', IO_CALLS),
  full(63, 'read', 'fd ptr size', IO_CALLS),
  full(64, 'write', 'fd buf size', IO_CALLS),
  full(65, 'readv', 'fd ptr int', IO_CALLS),
  full(66, 'writev', 'fd ptr int', IO_CALLS),
  full(67, 'pread64', 'fd ptr size off', IO_CALLS),
  full(68, 'pwrite64', 'fd buf size off', IO_CALLS),
  full(69, 'preadv', 'fd ptr int off', IO_CALLS),
  full(70, 'pwritev', 'fd ptr int off', IO_CALLS),
  full(71, 'sendfile', 'fd fd ptr size', IO_CALLS),
  part(
    72,
    'pselect6',
    'int ptr ptr ptr ptr ptr',
    EVENT_CALLS,
    'host streams other than standard input count as ready',
  ),
  part(
    73,
    'ppoll',
    'ptr int ptr ptr size',
    EVENT_CALLS,
    'host streams other than standard input count as ready',
  ),
  no(74, 'signalfd4', 'fd ptr size hex', ENOSYS, SIGNALS),
  no(75, 'vmsplice', 'fd ptr size hex', ENOSYS, 'read and write do the same'),
  no(76, 'splice', 'fd ptr fd ptr size hex', ENOSYS, 'read and write do the same'),
  no(77, 'tee', 'fd fd size hex', ENOSYS, 'read and write do the same'),
  full(78, 'readlinkat', 'dirfd str ptr size', PATH_CALLS),
  full(79, 'newfstatat', 'dirfd str ptr hex', STAT_CALLS),
  full(80, 'fstat', 'fd ptr', STAT_CALLS),
  part(81, 'sync', '', FD_CALLS, 'does nothing: Node offers no sync(2)'),
  full(82, 'fsync', 'fd', FD_CALLS),
  full(83, 'fdatasync', 'fd', FD_CALLS),
  no(85, 'timerfd_create', 'clock hex', ENOSYS, EPOLL),
  full(88, 'utimensat', 'dirfd str ptr hex', PATH_CALLS),
  no(90, 'capget', 'ptr ptr', EPERM, ADMIN),
  no(91, 'capset', 'ptr ptr', EPERM, ADMIN),
  part(92, 'personality', 'hex', INFO_CALLS, 'PER_LINUX only'),
  full(93, 'exit', 'int', THREAD_CALLS),
  full(94, 'exit_group', 'int', THREAD_CALLS),
  no(95, 'waitid', 'int int ptr hex ptr', ENOSYS, PROCESSES),
  full(96, 'set_tid_address', 'ptr', THREAD_CALLS),
  no(97, 'unshare', 'hex', EPERM, ADMIN),
  part(
    98,
    'futex',
    'ptr futexop int ptr ptr int',
    FUTEX_CALLS,
    'WAIT_REQUEUE_PI and CMP_REQUEUE_PI are ENOSYS; PI locks do not lend priority',
  ),
  full(99, 'set_robust_list', 'ptr size', THREAD_CALLS),
  full(100, 'get_robust_list', 'int ptr ptr', THREAD_CALLS),
  full(101, 'nanosleep', 'ptr ptr', TIME_CALLS),
  part(102, 'getitimer', 'int ptr', TIMER_CALLS, ITIMERS),
  part(103, 'setitimer', 'int ptr ptr', TIMER_CALLS, ITIMERS),
  part(107, 'timer_create', 'clock ptr ptr', TIMER_CALLS, 'not on clocks of CPU time'),
  full(108, 'timer_gettime', 'int ptr', TIMER_CALLS),
  full(109, 'timer_getoverrun', 'int', TIMER_CALLS),
  full(110, 'timer_settime', 'int hex ptr ptr', TIMER_CALLS),
  full(111, 'timer_delete', 'int', TIMER_CALLS),
  no(112, 'clock_settime', 'clock ptr', EPERM, ADMIN),
  full(113, 'clock_gettime', 'clock ptr', TIME_CALLS),
  full(114, 'clock_getres', 'clock ptr', TIME_CALLS),
  full(115, 'clock_nanosleep', 'clock hex ptr ptr', TIME_CALLS),
  no(116, 'syslog', 'int ptr int', EPERM, ADMIN),
  no(117, 'ptrace', 'int int ptr ptr', EPERM, PROCESSES),
  part(118, 'sched_setparam', 'int ptr', INFO_CALLS, 'priority 0 only'),
  part(
    119,
    'sched_setscheduler',
    'int int ptr',
    INFO_CALLS,
    'SCHED_OTHER, SCHED_BATCH and SCHED_IDLE; without effect',
  ),
  part(120, 'sched_getscheduler', 'int', INFO_CALLS, 'always SCHED_OTHER'),
  part(121, 'sched_getparam', 'int ptr', INFO_CALLS, 'always priority 0'),
  part(122, 'sched_setaffinity', 'int size ptr', INFO_CALLS, 'checked, without effect'),
  full(123, 'sched_getaffinity', 'int size ptr', INFO_CALLS),
  full(124, 'sched_yield', '', THREAD_CALLS),
  full(125, 'sched_get_priority_max', 'int', INFO_CALLS),
  full(126, 'sched_get_priority_min', 'int', INFO_CALLS),
  no(128, 'restart_syscall', '', ENOSYS, 'interrupted calls are made again as a whole'),
  part(129, 'kill', 'int sig', SIGNAL_CALLS, `to the own process; ${STOPS}`),
  part(130, 'tkill', 'int sig', SIGNAL_CALLS, STOPS),
  part(131, 'tgkill', 'int int sig', SIGNAL_CALLS, STOPS),
  full(132, 'sigaltstack', 'ptr ptr', SIGNAL_CALLS),
  full(133, 'rt_sigsuspend', 'ptr size', SIGNAL_CALLS),
  full(134, 'rt_sigaction', 'sig ptr ptr size', SIGNAL_CALLS),
  full(135, 'rt_sigprocmask', 'int ptr ptr size', SIGNAL_CALLS),
  full(136, 'rt_sigpending', 'ptr size', SIGNAL_CALLS),
  full(137, 'rt_sigtimedwait', 'ptr ptr ptr size', SIGNAL_CALLS),
  part(138, 'rt_sigqueueinfo', 'int sig ptr', SIGNAL_CALLS, 'to the own process'),
  full(139, 'rt_sigreturn', '', SIGNAL_CALLS),
  part(140, 'setpriority', 'int int int', INFO_CALLS, 'without effect'),
  part(141, 'getpriority', 'int int', INFO_CALLS, 'always nice 0'),
  no(143, 'setregid', 'int int', EPERM, ADMIN),
  part(144, 'setgid', 'int', INFO_CALLS, 'to the present id only'),
  no(145, 'setreuid', 'int int', EPERM, ADMIN),
  part(146, 'setuid', 'int', INFO_CALLS, 'to the present id only'),
  no(147, 'setresuid', 'int int int', EPERM, ADMIN),
  full(148, 'getresuid', 'ptr ptr ptr', INFO_CALLS),
  no(149, 'setresgid', 'int int int', EPERM, ADMIN),
  full(150, 'getresgid', 'ptr ptr ptr', INFO_CALLS),
  full(153, 'times', 'ptr', TIME_CALLS),
  part(154, 'setpgid', 'int int', INFO_CALLS, 'to the present group only'),
  part(155, 'getpgid', 'int', INFO_CALLS, 'the guest leads a group of its own'),
  part(156, 'getsid', 'int', INFO_CALLS, 'the guest leads a session of its own'),
  no(157, 'setsid', '', EPERM, 'the guest already leads its session'),
  full(158, 'getgroups', 'int ptr', INFO_CALLS),
  no(159, 'setgroups', 'int ptr', EPERM, ADMIN),
  full(160, 'uname', 'ptr', INFO_CALLS),
  full(163, 'getrlimit', 'int ptr', INFO_CALLS),
  part(164, 'setrlimit', 'int ptr', INFO_CALLS, 'accepted without effect where it does not raise the limit'),
  part(165, 'getrusage', 'int ptr', INFO_CALLS, 'user and system time, peak memory, faults'),
  full(166, 'umask', 'mode', PATH_CALLS),
  part(
    167,
    'prctl',
    'int ptr ptr ptr ptr',
    INFO_CALLS,
    'PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_DUMPABLE',
  ),
  full(168, 'getcpu', 'ptr ptr ptr', INFO_CALLS),
  full(169, 'gettimeofday', 'ptr ptr', TIME_CALLS),
  no(170, 'settimeofday', 'ptr ptr', EPERM, ADMIN),
  full(172, 'getpid', '', INFO_CALLS),
  full(173, 'getppid', '', INFO_CALLS),
  full(174, 'getuid', '', INFO_CALLS),
  full(175, 'geteuid', '', INFO_CALLS),
  full(176, 'getgid', '', INFO_CALLS),
  full(177, 'getegid', '', INFO_CALLS),
  full(178, 'gettid', '', INFO_CALLS),
  full(179, 'sysinfo', 'ptr', INFO_CALLS),
  no(186, 'msgget', 'int hex', ENOSYS, SYSV),
  no(190, 'semget', 'int int hex', ENOSYS, SYSV),
  no(194, 'shmget', 'int size hex', ENOSYS, SYSV),
  no(196, 'shmat', 'int ptr hex', ENOSYS, SYSV),
  no(198, 'socket', 'int int int', EACCES, SOCKETS),
  no(199, 'socketpair', 'int int int ptr', EACCES, SOCKETS),
  no(200, 'bind', 'fd ptr int', ENOSYS, SOCKETS),
  no(201, 'listen', 'fd int', ENOSYS, SOCKETS),
  no(202, 'accept', 'fd ptr ptr', ENOSYS, SOCKETS),
  no(203, 'connect', 'fd ptr int', ENOSYS, SOCKETS),
  no(204, 'getsockname', 'fd ptr ptr', ENOSYS, SOCKETS),
  no(205, 'getpeername', 'fd ptr ptr', ENOSYS, SOCKETS),
  no(206, 'sendto', 'fd ptr size hex ptr int', ENOSYS, SOCKETS),
  no(207, 'recvfrom', 'fd ptr size hex ptr ptr', ENOSYS, SOCKETS),
  no(208, 'setsockopt', 'fd int int ptr int', ENOSYS, SOCKETS),
  no(209, 'getsockopt', 'fd int int ptr ptr', ENOSYS, SOCKETS),
  no(210, 'shutdown', 'fd int', ENOSYS, SOCKETS),
  no(211, 'sendmsg', 'fd ptr hex', ENOSYS, SOCKETS),
  no(212, 'recvmsg', 'fd ptr hex', ENOSYS, SOCKETS),
  part(213, 'readahead', 'fd off size', FD_CALLS, 'checked, without effect'),
  full(214, 'brk', 'ptr', MEM_CALLS),
  full(215, 'munmap', 'ptr size', MEM_CALLS),
  part(216, 'mremap', 'ptr size size hex ptr', MEM_CALLS, 'MREMAP_DONTUNMAP is EINVAL'),
  part(220, 'clone', 'bits ptr ptr ptr ptr', THREAD_CALLS, `threads; ${PROCESSES}`),
  no(221, 'execve', 'str ptr ptr', ENOSYS, PROCESSES),
  part(
    222,
    'mmap',
    'ptr size prot mapflags fd off',
    MEM_CALLS,
    'a shared file mapping and read or write on the same file meet only at msync and munmap',
  ),
  part(223, 'fadvise64', 'fd off size int', FD_CALLS, 'checked, without effect'),
  full(226, 'mprotect', 'ptr size prot', MEM_CALLS),
  full(227, 'msync', 'ptr size hex', MEM_CALLS),
  part(228, 'mlock', 'ptr size', MEM_CALLS, 'guest memory is never locked in host memory'),
  part(229, 'munlock', 'ptr size', MEM_CALLS, 'guest memory is never locked in host memory'),
  part(230, 'mlockall', 'hex', MEM_CALLS, 'guest memory is never locked in host memory'),
  part(231, 'munlockall', '', MEM_CALLS, 'guest memory is never locked in host memory'),
  part(232, 'mincore', 'ptr size ptr', MEM_CALLS, 'every mapped page counts as resident'),
  part(
    233,
    'madvise',
    'ptr size int',
    MEM_CALLS,
    'MADV_DONTNEED acts; other advice is accepted without effect, unknown advice is EINVAL',
  ),
  no(235, 'mbind', 'ptr size int ptr size hex', ENOSYS, 'one memory node'),
  no(236, 'get_mempolicy', 'ptr ptr size ptr hex', ENOSYS, 'one memory node'),
  part(240, 'rt_tgsigqueueinfo', 'int int sig ptr', SIGNAL_CALLS, 'to the own process'),
  no(241, 'perf_event_open', 'ptr int int fd hex', EACCES, ADMIN),
  no(242, 'accept4', 'fd ptr ptr hex', ENOSYS, SOCKETS),
  part(
    258,
    'riscv_hwprobe',
    'ptr size size ptr hex',
    INFO_CALLS,
    'base behaviour IMA; F, D, C, Zba, Zbb, Zbs; fast misaligned access',
  ),
  full(259, 'riscv_flush_icache', 'ptr ptr hex', MEM_CALLS),
  no(260, 'wait4', 'int ptr hex ptr', ENOSYS, PROCESSES),
  part(
    261,
    'prlimit64',
    'int int ptr ptr',
    INFO_CALLS,
    'own process; new limits are accepted without effect where they do not raise the limit',
  ),
  part(267, 'syncfs', 'fd', FD_CALLS, 'syncs the one file: Node offers no syncfs(2)'),
  no(269, 'sendmmsg', 'fd ptr int hex', ENOSYS, SOCKETS),
  no(270, 'process_vm_readv', 'int ptr size ptr size size', EPERM, PROCESSES),
  no(271, 'process_vm_writev', 'int ptr size ptr size size', EPERM, PROCESSES),
  full(276, 'renameat2', 'dirfd str dirfd str hex', PATH_CALLS),
  no(277, 'seccomp', 'int hex ptr', EPERM, ADMIN),
  full(278, 'getrandom', 'ptr size hex', INFO_CALLS),
  part(
    279,
    'memfd_create',
    'str hex',
    PATH_CALLS,
    'an unlinked temporary file; seals and huge pages are EINVAL',
  ),
  no(280, 'bpf', 'int ptr int', EPERM, ADMIN),
  no(281, 'execveat', 'dirfd str ptr ptr hex', ENOSYS, PROCESSES),
  no(282, 'userfaultfd', 'hex', EPERM, ADMIN),
  part(283, 'membarrier', 'int hex int', THREAD_CALLS, 'QUERY, GLOBAL, and the expedited kinds but RSEQ'),
  part(284, 'mlock2', 'ptr size hex', MEM_CALLS, 'guest memory is never locked in host memory'),
  full(285, 'copy_file_range', 'fd ptr fd ptr size hex', IO_CALLS),
  part(286, 'preadv2', 'fd ptr int off int hex', IO_CALLS, 'flags are EOPNOTSUPP'),
  part(287, 'pwritev2', 'fd ptr int off int hex', IO_CALLS, 'flags are EOPNOTSUPP'),
  no(288, 'pkey_mprotect', 'ptr size prot int', ENOSYS, 'no protection keys on riscv64'),
  no(289, 'pkey_alloc', 'hex hex', ENOSYS, 'no protection keys on riscv64'),
  full(291, 'statx', 'dirfd str hex hex ptr', STAT_CALLS),
  no(
    293,
    'rseq',
    'ptr int hex int',
    ENOSYS,
    'restartable sequences need preemption by the kernel; C libraries do without',
  ),
  no(425, 'io_uring_setup', 'int ptr', EPERM, 'read and write do the same'),
  no(434, 'pidfd_open', 'int hex', ENOSYS, PROCESSES),
  part(435, 'clone3', 'ptr size', THREAD_CALLS, `threads; ${PROCESSES}`),
  part(436, 'close_range', 'int int hex', FD_CALLS, 'CLOSE_RANGE_UNSHARE is EINVAL'),
  no(437, 'openat2', 'dirfd str ptr size', ENOSYS, 'openat does the same; C libraries do without'),
  full(439, 'faccessat2', 'dirfd str hex hex', PATH_CALLS),
  no(441, 'epoll_pwait2', 'fd ptr int ptr ptr', ENOSYS, EPOLL),
  no(449, 'futex_waitv', 'ptr int hex ptr clock', ENOSYS, 'comes with a later issue'),
];

/** Rows by number; undefined = not in the table. */
export const BY_NUMBER: readonly (Row | undefined)[] = (() => {
  const rows: (Row | undefined)[] = new Array(Math.max(...ROWS.map((r) => r.nr)) + 1).fill(undefined);
  for (const r of ROWS) rows[r.nr] = r;
  return rows;
})();
