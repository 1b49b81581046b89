/** The identity of a campaign: runs with the same key and seed are the same run. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface KeyParts {
  /** Version and build of capgrind. */
  readonly version: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Everything the options come to, those of option files too; the seed left out. */
  readonly options: unknown;
  readonly timeoutMs: number;
}

/** The key, 32 hex digits. The program counts with its contents. Throws Error when it cannot be read. */
export function campaignKey(parts: KeyParts): string {
  const { program, ...others } = parts;
  return digest(JSON.stringify([hashOfFile(program), program, others]));
}

/** Hash of several files' contents, for the build of capgrind itself. */
export function hashOfFiles(paths: readonly string[]): string {
  return digest(paths.map(hashOfFile).join(' '));
}

function hashOfFile(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
