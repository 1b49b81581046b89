/** An error as it is reported: the tool's record with its stacks turned into frames. Plain data, kept as JSON. */
import type { Frame } from '../image/image-set.js';
import type { ErrorText, FoundError, Sentence } from '../tools/errors.js';

export interface ReportedError {
  /** Number of the error, from 1, over reported and suppressed ones. */
  readonly unique: number;
  /** Number of the thread's slot, from 1; used again when a thread has ended. */
  readonly tid: number;
  /** The tool's name in suppressions, and the kind there. */
  readonly tool: string;
  readonly kind: string;
  readonly xmlKind: string;
  /** What else told it from others of its kind. */
  readonly same: string;
  readonly extra: string | null;
  /** Where it happened. */
  readonly frames: readonly Frame[];
  /** Threads to announce before it. */
  readonly threads: readonly ReportedThread[];
  readonly parts: readonly ReportedPart[];
  /** To be introduced by its thread's number, for tools that do. */
  readonly newThread: boolean;
}

export interface ReportedThread {
  readonly number: number;
  readonly created: readonly Frame[] | null;
}

export type ReportedPart =
  | ({ readonly part: 'what' | 'aux' } & Sentence)
  | { readonly part: 'stack'; readonly frames: readonly Frame[]; readonly only?: 'text' | 'xml' }
  | { readonly part: 'line'; readonly text: string };

export interface Identified {
  readonly unique: number;
  readonly tid: number;
  readonly tool: string;
  readonly newThread: boolean;
}

/**
 * Turns a tool's record into what is reported.
 * @param trace frames of a stack as reports show it
 * @param announce whether a thread still has to be announced
 */
export function resolveError(
  error: FoundError,
  id: Identified,
  trace: (pcs: readonly number[], most?: number) => Frame[],
  announce: (thread: number) => boolean,
): ReportedError {
  const text: ErrorText = error.describe();
  const threads = (text.threads ?? [])
    .filter((t) => announce(t.number))
    .map((t) => ({ number: t.number, created: t.created && trace(t.created) }));
  const parts = text.parts.map((p): ReportedPart => {
    if (p.part !== 'stack') return p;
    const { pcs, most, ...rest } = p;
    return { ...rest, frames: trace(pcs, most) };
  });
  return {
    ...id,
    kind: error.kind,
    xmlKind: error.xmlKind ?? error.kind,
    same: error.same ?? '',
    extra: error.extra ?? null,
    frames: trace(error.pcs),
    threads,
    parts,
  };
}
