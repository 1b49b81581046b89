import type { ElfFile } from '../../../kernel/elf/elf.js';
import { DwarfSections } from './sections.js';

/** A place in the source. `dir` is absolute when the compiler recorded where it ran. */
export interface SourceLine {
  readonly file: string;
  readonly dir: string | null;
  /** From 1. */
  readonly line: number;
}

/** One call that the compiler inlined, with the place it was called from. */
export interface InlinedCall {
  /** As the source names it (DW_AT_name), without scopes or parameters. */
  readonly fn: string | null;
  readonly call: SourceLine | null;
}

/** The debug information of one file, decoded unit by unit as addresses ask for it. Addresses are link-time ones. */
export class Dwarf {
  readonly present: boolean;
  private readonly sections: DwarfSections;

  constructor(elf: ElfFile) {
    this.sections = new DwarfSections(elf);
    this.present = this.sections.get('line').length > 0;
  }

  lineAt(_addr: number): SourceLine | null {
    return null;
  }

  hasCodeAt(_addr: number): boolean {
    return false;
  }

  inlinedAt(_addr: number): readonly InlinedCall[] {
    return [];
  }
}
