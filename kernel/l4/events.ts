/**
 * What the simulated Fiasco.OC tells whoever watches: CapCheck, IPC traces, tools. Each method is called on the worker
 * of the thread that the event happens to (`by`), in kernel mode, after the kernel's own tables are changed and with
 * none of its locks held except where it says so; an observer must not touch guest memory that may fault. Events of one
 * slot come in the order in which the slot changed. Without an observer the kernel makes no event at all.
 */

/** What a capability refers to. `service`: a gate whose server is capgrind itself. */
export type ObjectKind =
  | 'task'
  | 'thread'
  | 'gate'
  | 'factory'
  | 'irq'
  | 'semaphore'
  | 'scheduler'
  | 'icu'
  | 'log'
  | 'debugger'
  | 'service'
  | 'other';

/** Kinds by number, for records in shared memory. */
export const OBJECT_KINDS: readonly ObjectKind[] = [
  'task',
  'thread',
  'gate',
  'factory',
  'irq',
  'semaphore',
  'scheduler',
  'icu',
  'log',
  'debugger',
  'service',
  'other',
];

/** How a slot came to hold a capability. `boot`: put there before the program ran. */
export type FillCause = 'boot' | 'create' | 'map' | 'ipc' | 'grant';
export const FILL_CAUSES: readonly FillCause[] = ['boot', 'create', 'map', 'ipc', 'grant'];

/**
 * How a slot lost its capability. `delete`: the object was destroyed through this slot; `destroyed`: through another
 * one or with its last reference; `overmap`: something else was put there; `task`: its task is gone.
 */
export type DrainCause = 'unmap' | 'delete' | 'grant' | 'overmap' | 'destroyed' | 'task';
export const DRAIN_CAUSES: readonly DrainCause[] = [
  'unmap',
  'delete',
  'grant',
  'overmap',
  'destroyed',
  'task',
];

export interface Fill {
  /** Thread state of the thread that did it: the caller of a map or create, the sender of an item; 0 at boot. */
  readonly by: number;
  /** Thread state of the thread in whose receive buffer it arrived; equal to `by` otherwise. */
  readonly receiver: number;
  /** Number of the task whose table it is. */
  readonly task: number;
  readonly slot: number;
  /** Number of the object: never used twice in a run. */
  readonly object: number;
  readonly kind: ObjectKind;
  /** RIGHT_* bits that the slot holds. */
  readonly rights: number;
  readonly cause: FillCause;
  /** Not reference counted. */
  readonly weak: boolean;
}

export interface Drain {
  readonly by: number;
  readonly task: number;
  readonly slot: number;
  readonly object: number;
  readonly cause: DrainCause;
}

/** An item of a message that mapped nothing. */
export interface LostItem {
  readonly by: number;
  /** The sender's task and slot. */
  readonly task: number;
  readonly slot: number;
  /** `rights`: the item or the slot lacks R; `empty`: the slot holds nothing. */
  readonly reason: 'rights' | 'empty';
}

/** What the selector of a system call means. */
export interface Target {
  /** 0: no such object. */
  readonly object: number;
  readonly kind: ObjectKind;
  readonly rights: number;
  /** Slot in the caller's task; -1 for the calling thread itself and for reply capabilities. */
  readonly slot: number;
}

export interface L4Events {
  /** A task or its name exists; `name` is that of the program, where the kernel knows it. */
  taskCreated?(task: number, object: number, name: string): void;
  taskGone?(task: number): void;
  /** A thread is bound to its task; `object` is its own object. */
  threadBound?(ts: number, task: number, object: number): void;
  objectCreated?(object: number, kind: ObjectKind, by: number): void;
  objectGone?(object: number, by: number): void;
  /** The debugger object was given a name for an object. */
  objectNamed?(object: number, name: string): void;
  filled?(fill: Fill): void;
  drained?(drain: Drain): void;
  /** Rights were taken from a slot that stays filled. */
  weakened?(by: number, task: number, slot: number, rights: number): void;
  /** An unmap with the delete bit on a slot without D: it became a plain release. Before the drain. */
  deleteRefused?(by: number, task: number, slot: number, object: number): void;
  itemLost?(item: LostItem): void;
  /**
   * What the thread `before` did so far is known to the thread `after` from here on: a message between them, or the end of
   * one that the other has seen to. Thread states; neither runs guest code meanwhile. Kernel lock held.
   */
  ordered?(before: number, after: number): void;
  /** A thread has triggered an IRQ object or a semaphore, and one has taken what is there. Kernel lock held. */
  left?(ts: number, object: number): void;
  took?(ts: number, object: number): void;
  /** A region was attached with a dataspace, or detached. */
  attached?(by: number, task: number, start: number, size: number, dataspace: number): void;
  detached?(by: number, task: number, start: number, size: number): void;
  /**
   * A system call begins; its registers are in the thread state, its message in the UTCB at host address `utcb`. `task`
   * is the caller's.
   */
  enter?(ts: number, task: number, utcb: number, target: Target): void;
  /** It returns; result registers and UTCB are those that the thread will see. */
  leave?(ts: number, task: number, utcb: number): void;
}

const METHODS = [
  'taskCreated',
  'taskGone',
  'threadBound',
  'objectCreated',
  'objectGone',
  'objectNamed',
  'filled',
  'drained',
  'weakened',
  'deleteRefused',
  'itemLost',
  'ordered',
  'left',
  'took',
  'attached',
  'detached',
  'enter',
  'leave',
] as const satisfies readonly (keyof L4Events)[];

/** One watcher that tells several, in their order. An event that nobody listens to stays absent. */
export function fanOut(watchers: readonly L4Events[]): L4Events {
  if (watchers.length === 1) return watchers[0]!;
  const all: Record<string, (...args: unknown[]) => void> = {};
  for (const method of METHODS) {
    const listening = watchers.filter((w) => w[method] !== undefined);
    if (listening.length === 0) continue;
    all[method] = (...args) => {
      for (const w of listening) (w[method] as (...args: unknown[]) => void).apply(w, args);
    };
  }
  return all as L4Events;
}
