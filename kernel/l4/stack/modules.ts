/** The files of an entry of modules.list: searched, read, with the shared libraries that they need. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { neededLibraries } from '../../elf/dynamic.js';
import { ElfError, inspectElf } from '../../elf/elf.js';
import { type ListedModule, type ModuleKind, ModulesListError, readModulesList } from './modules-list.js';

/** A file to boot. */
export interface BootModule {
  readonly kind: ModuleKind;
  /** On the host; empty for the kernel, which is capgrind's own. */
  readonly path: string;
  readonly name: string;
  /** Name and arguments. */
  readonly cmdline: string;
  readonly bytes: Uint8Array;
  /** Whether the file holds them packed. */
  readonly packed: boolean;
}

export interface BootRequest {
  /** The list's path, and the entry to boot. */
  readonly list: string;
  readonly entry: string;
  /** Directories to search for files, in order. */
  readonly searchPath: readonly string[];
}

export interface BootModules {
  readonly modules: readonly BootModule[];
  /** Where modules begin, relative to the begin of RAM; null when nobody says so. */
  readonly moduleAddress: number | null;
}

const GZIP_MAGIC = 0x8b1f;

/**
 * Reads everything that the entry needs. Throws ModulesListError, naming the line of the list, for what is missing.
 * Directories: those given, then those of the list, then the list's own.
 */
export function readBootModules(request: BootRequest): BootModules {
  const entry = readModulesList(request.list, request.entry);
  const dirs = [...request.searchPath, ...entry.searchPath, dirname(resolve(request.list))];
  const modules = entry.modules.map((m) => readModule(m, dirs));
  const names = new Set(modules.map((m) => m.name));
  const scan = modules.filter((_, i) => entry.modules[i]!.libraries && entry.modules[i]!.kind !== 'kernel');
  // Libraries of libraries come along, too: the list grows while it is walked.
  for (const m of scan) {
    for (const file of librariesOf(m.bytes)) {
      if (names.has(basename(file))) continue;
      names.add(basename(file));
      const at = `${request.list}: ${m.name}`;
      const library = readModule(
        { kind: 'module', file, name: basename(file), args: '', libraries: true, at },
        dirs,
      );
      modules.push(library);
      scan.push(library);
    }
  }
  return { modules, moduleAddress: entry.moduleAddress };
}

function readModule(m: ListedModule, dirs: readonly string[]): BootModule {
  const cmdline = m.args === '' ? m.name : `${m.name} ${m.args}`;
  if (m.kind === 'kernel')
    return { kind: m.kind, path: '', name: m.name, cmdline, bytes: new Uint8Array(0), packed: false };
  const path = isAbsolute(m.file) ? m.file : dirs.map((d) => join(d, m.file)).find((p) => existsSync(p));
  if (path === undefined) throw new ModulesListError(`${m.at}: ${m.file} is in none of ${dirs.join(', ')}`);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new ModulesListError(`${m.at}: ${path}: ${code === 'ENOENT' ? 'no such file' : code}`);
  }
  const packed = bytes.length > 2 && bytes[0]! + bytes[1]! * 256 === GZIP_MAGIC;
  if (packed) {
    try {
      bytes = gunzipSync(bytes);
    } catch {
      throw new ModulesListError(`${m.at}: ${path}: damaged`);
    }
  }
  if (bytes.length === 0) throw new ModulesListError(`${m.at}: ${path}: empty`);
  return { kind: m.kind, path: resolve(path), name: m.name, cmdline, bytes, packed };
}

/** Libraries and interpreter that an ELF file asks for. */
function librariesOf(bytes: Uint8Array): string[] {
  try {
    const elf = inspectElf(bytes);
    return [...(elf.interp === null ? [] : [basename(elf.interp)]), ...neededLibraries(elf)];
  } catch (error) {
    // Configuration files and data.
    if (error instanceof ElfError) return [];
    throw error;
  }
}
