/** Error numbers the core returns, negated; values of Linux asm-generic/errno-base.h. */
export const EPERM = 1;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EEXIST = 17;
export const EINVAL = 22;
