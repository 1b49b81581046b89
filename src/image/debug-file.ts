/** Finds the separate debug file of a stripped program, by build id and by `.gnu_debuglink`, as gdb and Valgrind do. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type ElfFile, inspectElf } from '../../kernel/elf/elf.js';

const CRC_TABLE = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let c = i;
  for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  CRC_TABLE[i] = c;
}

/** CRC-32 (IEEE 802.3, reflected), the checksum `.gnu_debuglink` carries. Unsigned. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = CRC_TABLE[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** File name and CRC from `.gnu_debuglink`: a NUL-terminated name padded to 4 bytes, then the CRC. Null if damaged. */
export function debugLink(elf: ElfFile): { name: string; crc: number } | null {
  const section = elf.section('.gnu_debuglink');
  if (section === null) return null;
  const bytes = elf.sectionBytes(section);
  const nul = bytes.indexOf(0);
  const at = (nul + 4) & ~3;
  if (nul < 1 || at + 4 > bytes.length) return null;
  const name = Buffer.from(bytes.subarray(0, nul)).toString('utf8');
  // A name with directories in it would reach outside the directories that are searched.
  if (basename(name) !== name || name === '..') return null;
  return { name, crc: new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true) };
}

function open(path: string, accept: (bytes: Uint8Array, elf: ElfFile) => boolean): ElfFile | null {
  try {
    const bytes = readFileSync(path);
    const elf = inspectElf(bytes);
    return accept(bytes, elf) ? elf : null;
  } catch {
    return null;
  }
}

/**
 * The debug file that belongs to a program, or null. A candidate counts only if its build id (or the link's CRC) is
 * the one asked for.
 * @param path the program's path on this machine
 * @param debugDirs roots to search, for example a sysroot or `/usr/lib/debug`
 */
export function findDebugFile(elf: ElfFile, path: string, debugDirs: readonly string[]): ElfFile | null {
  const id = elf.buildId;
  if (id !== null && id.length > 2) {
    const name = join('.build-id', id.slice(0, 2), `${id.slice(2)}.debug`);
    for (const dir of debugDirs) {
      for (const root of [dir, join(dir, 'usr/lib/debug')]) {
        const found = open(join(root, name), (_, debug) => debug.buildId === id);
        if (found !== null) return found;
      }
    }
  }
  const link = debugLink(elf);
  if (link === null) return null;
  const home = dirname(resolve(path));
  const places = [home, join(home, '.debug')];
  for (const dir of debugDirs) places.push(join(dir, home), join(dir, 'usr/lib/debug', home), dir);
  for (const place of places) {
    const candidate = join(place, link.name);
    if (candidate === resolve(path)) continue;
    const found = open(candidate, (bytes) => crc32(bytes) === link.crc);
    if (found !== null) return found;
  }
  return null;
}
