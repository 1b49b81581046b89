/**
 * What a tool says of an error it found: a record from which text, XML, suppressions and SARIF are made, so that
 * no tool prints an error itself. Shapes follow Valgrind's reports (valgrind-facts 2.5, 4, 9.2).
 */

/** Where errors go. */
export interface ErrorSink {
  /**
   * One occurrence of an error. The first of its kind is reported unless it is suppressed; later ones are counted.
   * Errors are one when kind, `same` and the innermost frames are equal.
   */
  report(error: FoundError): void;
}

export interface FoundError {
  /** Name of the kind in suppressions, without the tool: `Race`. One of `Tool.suppressions.kinds`. */
  readonly kind: string;
  /** Name of the kind in XML, where it is another. */
  readonly xmlKind?: string;
  /** What must be equal for two errors of one kind to be the same, besides the innermost frames. */
  readonly same?: string;
  /** State of the thread that it happened in. */
  readonly ts: number;
  /** Its stack, innermost first: the exact address, callers as return address minus 1. */
  readonly pcs: readonly number[];
  /** What the extra line of a suppression of this kind is matched with. */
  readonly extra?: string;
  /**
   * The report. Asked for at most once, when the error is new and not suppressed, with the tool-state lock held: it
   * may read the tool's tables but take no lock of its own.
   */
  describe(): ErrorText;
}

export interface ErrorText {
  /** Threads that the report speaks of by number. Each is announced before the first error that does. */
  readonly threads?: readonly ThreadNote[];
  readonly parts: readonly Part[];
}

export interface ThreadNote {
  readonly number: number;
  /** Where it was created; null for the thread that the program began with. */
  readonly created: readonly number[] | null;
}

/** A piece of a report, in the order of printing. */
export type Part =
  /** A sentence. `what` says what happened, `aux` all further things. */
  | ({ readonly part: 'what' | 'aux' } & Sentence)
  | ({ readonly part: 'stack' } & Stack)
  /** A line in the text that has no counterpart in XML. */
  | { readonly part: 'line'; readonly text: string };

export interface Sentence {
  readonly text: string;
  /** Blanks before it in the text; 0 for `what`, 1 for `aux` unless given. */
  readonly indent?: number;
  /** Facts beside the sentence, by XML element name: `['hthreadid', 3]`. They make it <xwhat> or <xauxwhat>. */
  readonly facts?: readonly (readonly [string, string | number])[];
  /** Left out of the other form. */
  readonly only?: Form;
}

export interface Stack {
  readonly pcs: readonly number[];
  /** Fewer frames than --num-callers. */
  readonly most?: number;
  readonly only?: Form;
}

export type Form = 'text' | 'xml';

export const what = (text: string, more: Omit<Sentence, 'text'> = {}): Part => ({
  part: 'what',
  text,
  ...more,
});

export const aux = (text: string, more: Omit<Sentence, 'text'> = {}): Part => ({
  part: 'aux',
  text,
  ...more,
});

export const stack = (pcs: readonly number[], more: Omit<Stack, 'pcs'> = {}): Part => ({
  part: 'stack',
  pcs,
  ...more,
});

export const line = (text = ''): Part => ({ part: 'line', text });

/** What suppressions may say about a tool. */
export interface SuppressionKinds {
  /** The tool's name in suppressions: `Helgrind`. */
  readonly tool: string;
  /** Kinds it finds; whether a suppression has, or may have, an extra line behind the kind. */
  readonly kinds: Readonly<Record<string, 'plain' | 'extra' | 'optional'>>;
}
