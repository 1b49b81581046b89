/** What a run printed: kept up to a limit, hashed in full, and on disk for the first run of each failure. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Bytes kept of each stream. */
const KEPT = 1 << 20;

export interface Evidence {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** The tool's report. */
  readonly report: Buffer;
}

/** Reads a stream to its end. */
export class Capture {
  private readonly hash = createHash('sha256');
  private readonly chunks: Buffer[] = [];
  private room = KEPT;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.hash.update(chunk);
      if (this.room > 0) this.chunks.push(chunk.subarray(0, this.room));
      this.room -= chunk.length;
    });
    // A pipe that breaks ends what can be known of it.
    stream.on('error', () => undefined);
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Hash of everything that came. Once only. */
  digest(): Buffer {
    return this.hash.digest();
  }
}

/** One hash for what a guest printed on its two streams. */
export function outputHash(stdout: Capture, stderr: Capture): string {
  return createHash('sha256').update(stdout.digest()).update(stderr.digest()).digest('hex').slice(0, 16);
}

/** The hash that a run has which prints `stdout` and nothing on standard error. */
export function hashOfOutput(stdout: Uint8Array): string {
  const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
  return createHash('sha256')
    .update(digest(stdout))
    .update(digest(Buffer.alloc(0)))
    .digest('hex')
    .slice(0, 16);
}

/** A folder with one folder `seed-N` for each run worth keeping. */
export class EvidenceFolder {
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  /** Where the evidence of a seed lies, whether it is there or not. */
  path(seed: number): string {
    return join(this.folder, `seed-${seed}`);
  }

  keep(seed: number, evidence: Evidence): void {
    const beside = `${this.path(seed)}.tmp`;
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside);
    for (const [name, bytes] of Object.entries(evidence)) writeFileSync(join(beside, name), bytes);
    rmSync(this.path(seed), { recursive: true, force: true });
    renameSync(beside, this.path(seed));
  }

  /** Removes the evidence of all seeds but these. */
  prune(seeds: ReadonlySet<number>): void {
    for (const name of readdirSync(this.folder)) {
      const seed = /^seed-(\d+)(?:\.tmp)?$/.exec(name)?.[1];
      if (seed !== undefined && !(seeds.has(Number(seed)) && !name.endsWith('.tmp'))) {
        rmSync(join(this.folder, name), { recursive: true, force: true });
      }
    }
  }
}
