/**
 * Why a file cannot be read or run. `reason` is one line for people, without the file's name, so that a caller
 * can write `PATH: REASON`.
 */
export class ElfError extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.name = 'ElfError';
    this.reason = reason;
  }
}
