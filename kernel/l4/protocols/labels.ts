/**
 * Numbers of the Fiasco.OC / L4Re ABI that protocols are named by: message labels, errors of kernel objects
 * (negative in a result's label) and errors of the IPC itself (in the UTCB). Sections are those of the ABI notes.
 */

/** Message labels (section 2.2, L4Re's from section 11). A label names the protocol that a request follows. */
export const LABEL = {
  NONE: 0,
  IRQ: -1,
  PAGE_FAULT: -2,
  EXCEPTION: -5,
  SIGMA0: -6,
  IO_PAGE_FAULT: -8,
  THREAD_GROUP: -9,
  KOBJECT: -10,
  TASK: -11,
  THREAD: -12,
  LOG: -13,
  SCHEDULER: -14,
  FACTORY: -15,
  VM: -16,
  DMA_SPACE: -17,
  IRQ_SENDER: -18,
  SEMAPHORE: -20,
  META: -21,
  IOMMU: -22,
  DEBUGGER: -23,
  SMCCC: -24,
  VCPU_CONTEXT: -25,
  DATASPACE: 0x4000,
  NAMESPACE: 0x4001,
  PARENT: 0x4002,
  GOOS: 0x4003,
  RM: 0x4005,
  EVENT: 0x4006,
  INHIBITOR: 0x4007,
  L4RE_DMA_SPACE: 0x4008,
  MMIO: 0x4009,
  ITAS: 0x400a,
  MEM_ALLOC: 0x400b,
  REMOTE_ACCESS: 0x400c,
  DEBUG: ~0x7fff,
} as const;

const LABEL_NAMES = new Map<number, string>(Object.entries(LABEL).map(([name, value]) => [value, name]));

/** `TASK`, `DATASPACE`; null for a label that the ABI gives no name. */
export function labelName(label: number): string | null {
  return LABEL_NAMES.get(label) ?? null;
}

/** Errors of kernel objects and L4Re servers (section 2.5); a result carries the negated number as its label. */
export const ERROR = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  EBADPROTO: 39,
  EADDRNOTAVAIL: 99,
  ENOREPLY: 1000,
  EMSGTOOSHORT: 1001,
  EMSGTOOLONG: 1002,
  EMSGMISSARG: 1003,
  EMSGERRRANGE: 1004,
  EDROPREPLY: 1005,
} as const;

const ERROR_NAMES = new Map<number, string>(Object.entries(ERROR).map(([name, value]) => [value, name]));

/** `-2 ENOENT` for the label -2. User code maps IPC error c to -(2000+c) (section 2.4): named too. */
export function errorText(label: number): string {
  if (label <= -2000 && label > -2064) return `${label} (${ipcErrorName(-label - 2000)})`;
  const name = ERROR_NAMES.get(-label);
  return name ? `${label} ${name}` : `${label}`;
}

/** IPC errors (section 2.4): bit 0 says receive phase, the rest is the cause. */
export const IPC_ERROR = {
  TIMEOUT: 2,
  NOT_EXISTENT: 4,
  CANCELED: 6,
  OVERFLOW: 8,
  SEND_TRANSFER_TIMEOUT: 0xa,
  RECEIVE_TRANSFER_TIMEOUT: 0xc,
  ABORTED: 0xe,
  MAP_FAILED: 0x10,
  NO_REPLY_CAP: 0x12,
} as const;

const IPC_ERROR_NAMES: Record<number, string> = {
  [IPC_ERROR.TIMEOUT]: 'timeout',
  [IPC_ERROR.NOT_EXISTENT]: 'not existent',
  [IPC_ERROR.CANCELED]: 'canceled',
  [IPC_ERROR.OVERFLOW]: 'message cut',
  [IPC_ERROR.SEND_TRANSFER_TIMEOUT]: 'transfer timeout of the sender',
  [IPC_ERROR.RECEIVE_TRANSFER_TIMEOUT]: 'transfer timeout of the receiver',
  [IPC_ERROR.ABORTED]: 'aborted',
  [IPC_ERROR.MAP_FAILED]: 'map failed',
  [IPC_ERROR.NO_REPLY_CAP]: 'no reply capability',
};

/** `receive timeout` for 3, `send canceled` for 6; the number alone when it means nothing. */
export function ipcErrorName(code: number): string {
  const name = IPC_ERROR_NAMES[code & ~1];
  return name ? `${code & 1 ? 'receive' : 'send'} ${name}` : `IPC error ${code}`;
}

/** Selector of the slots that the kernel gives the first task, and by convention every program (section 9.1, 12.2). */
export const FIXED_SLOTS: Readonly<Record<number, string>> = {
  1: 'task',
  2: 'factory',
  3: 'thread',
  4: 'pager',
  5: 'log',
  6: 'icu',
  7: 'scheduler',
  8: 'iommu',
  10: 'debugger',
  11: 'smc',
};
