/**
 * Loads a program the way Linux's execve does (fs/binfmt_elf.c): maps its segments and those of its interpreter, and
 * builds the first thread's stack (argument count, argument and environment pointers, auxiliary vector, strings).
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type AddressSpace, type MapRequest, PIE_BASE, STACK_TOP } from '../core/address-space.js';
import type { GuestMem } from '../core/guest-mem.js';
import { PAGE_SIZE } from '../core/layout.js';
import { ET_DYN, PF_R, PF_W, PF_X, PT_LOAD, PT_PHDR } from '../elf/constants.js';
import { ElfError, type ElfFile, type ProgramHeader, parseElfHeader } from '../elf/elf.js';
import * as abi from './abi.js';
import { MappedFiles } from './mapped-files.js';
import { TRAMPOLINE_CODE } from './signal-frame.js';

/** Why a program cannot be started: one line for people, and the exit status a shell would give. */
export class LoadError extends Error {
  /** 127: there is no such file. 126: it is there, but cannot be run. */
  readonly status: 126 | 127;
  constructor(message: string, status: 126 | 127) {
    super(message);
    this.name = 'LoadError';
    this.status = status;
  }
}

export interface ProgramFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly elf: ElfFile;
}

export interface LoadRequest extends ProgramFile {
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly sysroot?: string;
  /** AT_EXECFN; the path by default. */
  readonly execfn?: string;
  /** The 16 bytes of AT_RANDOM, for repeatable runs. */
  readonly random?: Uint8Array;
}

/** An ELF image in the address space. Run-time address = address in the file + bias. */
export interface LoadedImage {
  readonly path: string;
  readonly bias: number;
  /** Page-aligned extent. */
  readonly start: number;
  readonly end: number;
  readonly entry: number;
  readonly elf: ElfFile;
}

export interface LoadedProgram {
  /** Where the first thread starts: the interpreter's entry, if there is one. */
  readonly entry: number;
  readonly sp: number;
  /** Load address of the interpreter, 0 for none. */
  readonly interpBase: number;
  /** The program first, then its interpreter. */
  readonly images: readonly LoadedImage[];
  /** Start of the heap. */
  readonly brk: number;
  readonly stackLow: number;
  readonly stackHigh: number;
}

const down = (addr: number) => addr - (addr % PAGE_SIZE);
const up = (addr: number) => Math.ceil(addr / PAGE_SIZE) * PAGE_SIZE;

/**
 * Reads and checks an ELF file to be run.
 *
 * @throws LoadError with status 127 when there is none, 126 when it cannot be run.
 */
export function openProgram(file: string): ProgramFile {
  let bytes: Uint8Array;
  try {
    const stats = fs.statSync(file);
    if (stats.isDirectory()) throw new LoadError(`${file}: is a directory`, 126);
    if (!stats.isFile()) throw new LoadError(`${file}: not a regular file`, 126);
    fs.accessSync(file, fs.constants.X_OK);
    bytes = fs.readFileSync(file);
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new LoadError(`${file}: no such file`, 127);
    if (code === 'ENOTDIR') throw new LoadError(`${file}: a part of the path is no directory`, 127);
    if (code === 'EACCES') throw new LoadError(`${file}: permission denied`, 126);
    throw new LoadError(`${file}: cannot be read (${code ?? String(error)})`, 126);
  }
  return parse(file, bytes);
}

function parse(file: string, bytes: Uint8Array): ProgramFile {
  if (bytes[0] === 0x23 && bytes[1] === 0x21) {
    throw new LoadError(
      `${file}: a script, not an ELF program: name its interpreter's RISC-V program instead`,
      126,
    );
  }
  try {
    return { path: file, bytes, elf: parseElfHeader(bytes) };
  } catch (error) {
    if (error instanceof ElfError) throw new LoadError(`${file}: ${error.reason}`, 126);
    throw error;
  }
}

/**
 * Maps a program into an empty address space and builds its stack.
 *
 * @throws LoadError when the interpreter is missing or something does not fit.
 */
export function loadProgram(space: AddressSpace, mem: GuestMem, request: LoadRequest): LoadedProgram {
  const interpreter = request.elf.interp === null ? null : openInterpreter(request, request.elf.interp);
  const main = mapImage(space, mem, request, PIE_BASE);
  const images = [main];
  if (interpreter !== null) images.push(mapImage(space, mem, interpreter, null));
  const brk = up(main.end);
  space.setBrkStart(brk);
  const stackLow = STACK_TOP - abi.STACK_LIMIT;
  mapOrFail(space, request.path, {
    addr: stackLow,
    length: abi.STACK_LIMIT,
    prot: abi.PROT_READ | abi.PROT_WRITE,
    fixed: true,
    kind: 'anon',
    stack: true,
    name: '[stack]',
  });
  mapSignalPage(space, mem, request.path);
  const interpBase = images[1]?.start ?? 0;
  const sp = buildStack(mem, request, main, interpBase);
  const entry = images[images.length - 1]!.entry;
  return { entry, sp, interpBase, images, brk, stackLow, stackHigh: STACK_TOP };
}

function openInterpreter(request: LoadRequest, name: string): ProgramFile {
  const below = request.sysroot ? path.join(request.sysroot, name) : null;
  for (const candidate of below === null ? [name] : [below, name]) {
    if (!fs.existsSync(candidate)) continue;
    try {
      return openProgram(candidate);
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      throw new LoadError(`${request.path}: its interpreter cannot be used: ${error.message}`, 126);
    }
  }
  const where =
    below === null ? 'pass --sysroot=DIR, the directory that holds it' : `not below ${request.sysroot}`;
  throw new LoadError(`${request.path}: its interpreter ${name} was not found: ${where}`, 126);
}

/** `pieBase`: where a position-independent image goes; null = wherever there is room. */
function mapImage(
  space: AddressSpace,
  mem: GuestMem,
  file: ProgramFile,
  pieBase: number | null,
): LoadedImage {
  const { elf } = file;
  const loads = elf.programHeaders.filter((h) => h.type === PT_LOAD && h.memsz > 0);
  const low = Math.min(...loads.map((h) => down(h.vaddr)));
  const high = Math.max(...loads.map((h) => up(h.vaddr + h.memsz)));
  let bias = 0;
  if (elf.type === ET_DYN) {
    const align = Math.max(PAGE_SIZE, ...loads.map((h) => h.align));
    // An interpreter is placed by reserving its whole extent once.
    const base = pieBase ?? findRoom(space, file.path, high - low + align);
    bias = Math.ceil((base - low) / align) * align;
  }
  const host = fs.openSync(file.path, 'r');
  try {
    const mapped = new MappedFiles(space.space.machine);
    for (const h of loads)
      mapSegment(space, mem, file.path, h, bias, (offset) => mapped.request(space, host, false, offset));
  } finally {
    fs.closeSync(host);
  }
  return { path: file.path, bias, start: low + bias, end: high + bias, entry: elf.entry + bias, elf };
}

/** File pages, then the bss: the rest of the last file page is zeroed, further pages are anonymous. */
function mapSegment(
  space: AddressSpace,
  mem: GuestMem,
  path: string,
  h: ProgramHeader,
  bias: number,
  request: (offset: number) => NonNullable<MapRequest['file']>,
): void {
  const prot = (h.flags & PF_R ? 1 : 0) | (h.flags & PF_W ? 2 : 0) | (h.flags & PF_X ? 4 : 0);
  const start = down(h.vaddr + bias);
  const end = up(h.vaddr + bias + h.memsz);
  const fileEnd = h.vaddr + bias + h.filesz;
  const filePages = h.filesz === 0 ? start : up(fileEnd);
  const tail = h.memsz > h.filesz && h.filesz > 0 ? filePages - fileEnd : 0;
  if (filePages > start) {
    const file = request(down(h.offset));
    const firstProt = tail > 0 ? prot | abi.PROT_READ | abi.PROT_WRITE : prot;
    const length = filePages - start;
    mapOrFail(space, path, {
      addr: start,
      length,
      prot: firstProt,
      fixed: true,
      kind: 'file',
      name: path,
      file,
    });
    if (tail > 0) mem.copyOut(fileEnd, new Uint8Array(tail));
    if (firstProt !== prot && space.protect(start, length, prot) < 0) {
      throw new LoadError(`${path}: a segment cannot be protected`, 126);
    }
  }
  if (end > filePages) {
    mapOrFail(space, path, { addr: filePages, length: end - filePages, prot, fixed: true, kind: 'anon' });
  }
}

function mapOrFail(space: AddressSpace, file: string, request: MapRequest): number {
  const at = space.map(request);
  if (at < 0) throw new LoadError(`${file}: does not fit into the address space`, 126);
  return at;
}

function findRoom(space: AddressSpace, file: string, length: number): number {
  const at = mapOrFail(space, file, { length, prot: 0, kind: 'anon' });
  space.unmap(at, length);
  return at;
}

/** Address of the program header table in memory: PT_PHDR, else through the segment that holds it. */
function headersAt(image: LoadedImage): number {
  const { elf, bias } = image;
  const own = elf.programHeaders.find((h) => h.type === PT_PHDR);
  if (own !== undefined) return own.vaddr + bias;
  const holder = elf.programHeaders.find(
    (h) => h.type === PT_LOAD && h.offset <= elf.phoff && elf.phoff < h.offset + h.filesz,
  );
  return holder === undefined ? 0 : holder.vaddr + bias + elf.phoff - holder.offset;
}

/** Where signal handlers return to. */
export const SIGNAL_PAGE = STACK_TOP;

function mapSignalPage(space: AddressSpace, mem: GuestMem, file: string): void {
  const length = PAGE_SIZE;
  const request = { addr: SIGNAL_PAGE, length, fixed: true, kind: 'anon', name: '[sigpage]' } as const;
  mapOrFail(space, file, { ...request, prot: abi.PROT_READ | abi.PROT_WRITE });
  TRAMPOLINE_CODE.forEach((word, i) => {
    mem.writeU32(SIGNAL_PAGE + i * 4, word);
  });
  space.protect(SIGNAL_PAGE, length, abi.PROT_READ | abi.PROT_EXEC);
}

/** Strings from the top down: an empty word, the file name, the environment, the arguments, 16 random bytes. */
function buildStack(mem: GuestMem, request: LoadRequest, main: LoadedImage, interpBase: number): number {
  let at = STACK_TOP - 8;
  const push = (bytes: Uint8Array) => {
    at -= bytes.length;
    mem.copyOut(at, bytes);
    return at;
  };
  const text = (s: string) => push(Buffer.from(`${s}\0`));
  const total = [...request.argv, ...request.envp].reduce((sum, s) => sum + Buffer.byteLength(s) + 9, 0);
  // As on Linux, a quarter of the stack is for arguments.
  if (total > abi.STACK_LIMIT / 4) throw new LoadError(`${request.path}: the argument list is too long`, 126);
  const execfn = text(request.execfn ?? request.path);
  // Ascending in memory, the arguments first: programs that overwrite their own argv rely on it.
  const texts = (list: readonly string[]) => list.toReversed().map(text).toReversed();
  const envp = texts(request.envp);
  const argv = texts(request.argv);
  const random = push(request.random ?? crypto.randomBytes(16));
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const auxv: readonly (readonly [number, number])[] = [
    [abi.AT_HWCAP, abi.HWCAP_IMAFDC],
    [abi.AT_PAGESZ, PAGE_SIZE],
    [abi.AT_CLKTCK, abi.CLK_TCK],
    [abi.AT_PHDR, headersAt(main)],
    [abi.AT_PHENT, request.elf.phentsize],
    [abi.AT_PHNUM, request.elf.programHeaders.length],
    [abi.AT_BASE, interpBase],
    [abi.AT_FLAGS, 0],
    [abi.AT_ENTRY, main.entry],
    [abi.AT_UID, uid],
    [abi.AT_EUID, uid],
    [abi.AT_GID, gid],
    [abi.AT_EGID, gid],
    [abi.AT_SECURE, 0],
    [abi.AT_RANDOM, random],
    [abi.AT_EXECFN, execfn],
    [abi.AT_MINSIGSTKSZ, abi.MINSIGSTKSZ],
    [abi.AT_NULL, 0],
  ];
  const words = [argv.length, ...argv, 0, ...envp, 0, ...auxv.flat()];
  const sp = Math.floor((at - words.length * 8) / 16) * 16;
  const bytes = new Uint8Array(words.length * 8);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setBigUint64(i * 8, BigInt(word), true);
  });
  mem.copyOut(sp, bytes);
  return sp;
}
