/** Writes the suppression that would hide an error (valgrind-facts 5): --gen-suppressions. */

import { isBelowMain } from '../../image/frames.js';
import type { Frame } from '../../image/image-set.js';
import type { ReportedError } from '../record.js';

const NAME = 'insert_a_suppression_name_here';

/** What a frame is called by: its function as the linker knows it, else its object. */
function locationOf(frame: Frame, showBelowMain: boolean): { by: 'fun' | 'obj'; pattern: string } {
  if (frame.fn === null) return { by: 'obj', pattern: frame.obj ?? '*' };
  return { by: 'fun', pattern: !showBelowMain && isBelowMain(frame.fn) ? '(below main)' : frame.fn };
}

/** The suppression as text, to be pasted into a file. */
export function suppressionText(error: ReportedError, showBelowMain: boolean): string {
  return [
    '{',
    `   <${NAME}>`,
    `   ${error.tool}:${error.kind}`,
    ...(error.extra === null ? [] : [`   ${error.extra}`]),
    ...error.frames.map((f) => {
      const l = locationOf(f, showBelowMain);
      return `   ${l.by}:${l.pattern}`;
    }),
    '}',
    '',
  ].join('\n');
}

/** The parts of an XML <suppression>. */
export interface SuppressionElement {
  readonly sname: string;
  readonly skind: string;
  readonly skaux: string | null;
  readonly sframes: readonly { readonly by: 'fun' | 'obj'; readonly pattern: string }[];
  readonly rawtext: string;
}

export function suppressionElement(error: ReportedError, showBelowMain: boolean): SuppressionElement {
  return {
    sname: NAME,
    skind: `${error.tool}:${error.kind}`,
    skaux: error.extra,
    sframes: error.frames.map((f) => locationOf(f, showBelowMain)),
    rawtext: suppressionText(error, showBelowMain),
  };
}
