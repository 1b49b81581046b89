/**
 * One writer of a results file at a time. The lock is a socket in Linux' abstract namespace, named after the file: the
 * kernel lets one process have it and takes it back when that process ends in whatever way, so a killed campaign
 * leaves nothing to clear away. Elsewhere there is none, and only the database's own lock counts.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';

export class StoreLock {
  private constructor(private readonly server: Server | null) {}

  /** The lock, or null when another process has it. Throws Error when the file's folder is not there. */
  static async take(file: string): Promise<StoreLock | null> {
    const path = resolve(file);
    const real = join(realpathSync(dirname(path)), basename(path));
    if (process.platform !== 'linux') return new StoreLock(null);
    const name = createHash('sha256').update(real).digest('hex').slice(0, 32);
    const server = createServer((socket) => socket.destroy());
    const taken = await new Promise<boolean>((settle, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') settle(false);
        else reject(error);
      });
      server.listen({ path: `\0capgrind-results-${name}` }, () => settle(true));
    });
    server.unref();
    return taken ? new StoreLock(server) : null;
  }

  /** Whether nobody else can have the file, so that what a killed process left beside it may go. */
  get exclusive(): boolean {
    return this.server !== null;
  }

  release(): void {
    this.server?.close();
  }
}
