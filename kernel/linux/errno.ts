/**
 * Error numbers of Linux (asm-generic/errno-base.h and errno.h, which riscv uses unchanged), and the way from
 * a Node.js error to one of them.
 */

const LIST = `
EPERM=1 ENOENT=2 ESRCH=3 EINTR=4 EIO=5 ENXIO=6 E2BIG=7 ENOEXEC=8 EBADF=9 ECHILD=10 EAGAIN=11 ENOMEM=12
EACCES=13 EFAULT=14 ENOTBLK=15 EBUSY=16 EEXIST=17 EXDEV=18 ENODEV=19 ENOTDIR=20 EISDIR=21 EINVAL=22
ENFILE=23 EMFILE=24 ENOTTY=25 ETXTBSY=26 EFBIG=27 ENOSPC=28 ESPIPE=29 EROFS=30 EMLINK=31 EPIPE=32
EDOM=33 ERANGE=34 EDEADLK=35 ENAMETOOLONG=36 ENOLCK=37 ENOSYS=38 ENOTEMPTY=39 ELOOP=40 ENOMSG=42
EIDRM=43 ECHRNG=44 EL2NSYNC=45 EL3HLT=46 EL3RST=47 ELNRNG=48 EUNATCH=49 ENOCSI=50 EL2HLT=51 EBADE=52
EBADR=53 EXFULL=54 ENOANO=55 EBADRQC=56 EBADSLT=57 EBFONT=59 ENOSTR=60 ENODATA=61 ETIME=62 ENOSR=63
ENONET=64 ENOPKG=65 EREMOTE=66 ENOLINK=67 EADV=68 ESRMNT=69 ECOMM=70 EPROTO=71 EMULTIHOP=72 EDOTDOT=73
EBADMSG=74 EOVERFLOW=75 ENOTUNIQ=76 EBADFD=77 EREMCHG=78 ELIBACC=79 ELIBBAD=80 ELIBSCN=81 ELIBMAX=82
ELIBEXEC=83 EILSEQ=84 ERESTART=85 ESTRPIPE=86 EUSERS=87 ENOTSOCK=88 EDESTADDRREQ=89 EMSGSIZE=90
EPROTOTYPE=91 ENOPROTOOPT=92 EPROTONOSUPPORT=93 ESOCKTNOSUPPORT=94 EOPNOTSUPP=95 EPFNOSUPPORT=96
EAFNOSUPPORT=97 EADDRINUSE=98 EADDRNOTAVAIL=99 ENETDOWN=100 ENETUNREACH=101 ENETRESET=102
ECONNABORTED=103 ECONNRESET=104 ENOBUFS=105 EISCONN=106 ENOTCONN=107 ESHUTDOWN=108 ETOOMANYREFS=109
ETIMEDOUT=110 ECONNREFUSED=111 EHOSTDOWN=112 EHOSTUNREACH=113 EALREADY=114 EINPROGRESS=115 ESTALE=116
EUCLEAN=117 ENOTNAM=118 ENAVAIL=119 EISNAM=120 EREMOTEIO=121 EDQUOT=122 ENOMEDIUM=123 EMEDIUMTYPE=124
ECANCELED=125 ENOKEY=126 EKEYEXPIRED=127 EKEYREVOKED=128 EKEYREJECTED=129 EOWNERDEAD=130
ENOTRECOVERABLE=131 ERFKILL=132 EHWPOISON=133
ERESTARTSYS=512 ERESTARTNOHAND=514 ERESTART_RESTARTBLOCK=516`;

/** Name to number. */
export const ERRNO: Readonly<Record<string, number>> = Object.freeze(
  Object.fromEntries(
    LIST.trim()
      .split(/\s+/)
      .map((entry) => {
        const [name, value] = entry.split('=');
        return [name!, Number(value)];
      }),
  ),
);

const NAMES = new Map(Object.entries(ERRNO).map(([name, value]) => [value, name]));

/** The name of an error number, `E?n` when Linux has none. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `E?${errno}`;
}

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const ENOEXEC = 8;
export const EBADF = 9;
export const ECHILD = 10;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENFILE = 23;
export const ENOTTY = 25;
export const EFBIG = 27;
export const ESPIPE = 29;
export const EROFS = 30;
export const EPIPE = 32;
export const ERANGE = 34;
export const EDEADLK = 35;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ELOOP = 40;
export const EOVERFLOW = 75;
export const EOPNOTSUPP = 95;
export const ETIMEDOUT = 110;
export const EOWNERDEAD = 130;

/** Codes that Node itself makes up, without a system call behind them. */
const NODE_CODES: Readonly<Record<string, number>> = {
  ERR_INVALID_ARG_VALUE: EINVAL,
  ERR_INVALID_ARG_TYPE: EINVAL,
  ERR_OUT_OF_RANGE: EINVAL,
  ERR_FS_FILE_TOO_LARGE: EFBIG,
  ERR_FS_EISDIR: EISDIR,
};

/**
 * The error number behind an exception of `node:fs`. Names are preferred to Node's own `errno`, since the
 * numbers of the host need not be those of the guest.
 *
 * @throws the exception itself when it is no system error: then it is a defect of ours and must be seen.
 */
export function errnoOf(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') {
    const found = ERRNO[code] ?? NODE_CODES[code];
    if (found !== undefined) return found;
    if ((error as { syscall?: unknown }).syscall !== undefined) return EIO;
  }
  throw error;
}
