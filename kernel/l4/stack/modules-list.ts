/**
 * L4Re's modules.list: which files an entry boots (L4Re's build system reads the same format to make boot images).
 *
 * A line is `KEYWORD[options] rest`. Outside of entries there are defaults, groups, includes and search paths; the lines of
 * an entry name the kernel, sigma0, the root task and the modules that the root task finds, with their arguments.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** A list that cannot be used: one line for people, beginning with file and line where there is one. */
export class ModulesListError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ModulesListError';
  }
}

export type ModuleKind = 'kernel' | 'sigma0' | 'roottask' | 'module';

/** A file of an entry as the list names it. */
export interface ListedModule {
  readonly kind: ModuleKind;
  /** As written: a path or a name to be searched. */
  readonly file: string;
  /** Name in the booted system. */
  readonly name: string;
  readonly args: string;
  /** Whether the libraries that the file needs come along. */
  readonly libraries: boolean;
  /** Where it was named: `FILE:LINE`, or the list's path for what is there by default. */
  readonly at: string;
}

export interface ListedEntry {
  readonly name: string;
  /** Kernel, sigma0, root task, then the others in their order. */
  readonly modules: readonly ListedModule[];
  /** Where modules begin, relative to the begin of RAM; null when nobody says so. */
  readonly moduleAddress: number | null;
  /** Directories that the list itself names. */
  readonly searchPath: readonly string[];
}

interface Line {
  /** `FILE:LINE` */
  at: string;
  /** Directory of the file. */
  dir: string;
  keyword: string;
  options: ReadonlyMap<string, string>;
  rest: string;
}

/** Names that conditions of a list (`arch=`, `bits=`) are compared with. */
const ARCH = 'riscv';
const BITS = '64';
/** What `module` may be called. */
const MODULE_WORDS = new Set(['module', 'bin', 'data']);
/** Lines that only matter to who makes a boot image. */
const IMAGE_ONLY = new Set(['bootstrap', 'default-bootstrap']);
const REFUSED = new Set(['perl', 'shell']);

/** Reads the list and picks an entry, whatever the case of its letters. Throws ModulesListError. */
export function readModulesList(file: string, entry: string): ListedEntry {
  const lines = readLines(file, new Set(), file);
  const defaults: Record<Exclude<ModuleKind, 'module'>, ListedModule> = {
    kernel: moduleOf('kernel', 'fiasco', new Map(), file),
    sigma0: moduleOf('sigma0', 'sigma0', new Map(), file),
    roottask: moduleOf('roottask', 'moe', new Map(), file),
  };
  const groups = new Map<string, ListedModule[]>();
  const searchPath: string[] = [];
  const names: string[] = [];
  const modules: ListedModule[] = [];
  let address: number | null = null;
  let into: ListedModule[] | null = null;
  let picked = false;
  let done = false;
  let global = true;
  for (const line of lines) {
    const { keyword, options, rest, at } = line;
    const inEntry = picked && !done && into === modules;
    if (keyword === 'entry' || keyword === 'title') {
      if (picked) done = true;
      names.push(rest);
      global = false;
      into = null;
      if (!picked && rest.toLowerCase() === entry.toLowerCase()) {
        picked = true;
        into = modules;
      }
    } else if (keyword === 'modaddr') {
      if (inEntry || (global && !picked)) address = addressOf(line);
    } else if (keyword === 'searchpath') {
      searchPath.push(isAbsolute(rest) ? rest : join(line.dir, rest));
    } else if (keyword === 'group') {
      if (picked) done = true;
      global = false;
      into = [];
      groups.set(word(line), into);
    } else if (IMAGE_ONLY.has(keyword)) {
    } else if (keyword.startsWith('default-')) {
      const kind = kindOf(keyword.slice('default-'.length));
      if (kind === null) throw new ModulesListError(`${at}: unknown keyword '${keyword}'`);
      defaults[kind] = moduleOf(kind, rest, options, at);
    } else if (into === null) {
      // Of an entry that is not booted, or outside of all of them.
    } else if (keyword === 'module-group') {
      for (const name of rest.split(/\s+/)) {
        const group = groups.get(name);
        if (group === undefined) throw new ModulesListError(`${at}: no group '${name}' before this line`);
        into.push(...group);
      }
    } else if (keyword === 'moe') {
      if (into === modules)
        defaults.roottask = moduleOf('roottask', `moe rom/${basename(word(line))}`, options, at);
      into.push(...files(line).map((f) => moduleOf('module', f, options, at)));
    } else if (kindOf(keyword) !== null) {
      const kind = kindOf(keyword)!;
      if (into !== modules) throw new ModulesListError(`${at}: '${keyword}' belongs into an entry`);
      defaults[kind] = moduleOf(kind, rest, options, at);
    } else if (MODULE_WORDS.has(keyword.replace(/-nostrip$/, ''))) {
      into.push(...files(line).map((f) => moduleOf('module', f, options, at)));
    } else {
      throw new ModulesListError(`${at}: unknown keyword '${keyword}'`);
    }
  }
  if (!picked) {
    const known = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
    throw new ModulesListError(`${file}: no entry '${entry}' (${known})`);
  }
  return {
    name: entry,
    modules: [defaults.kernel, defaults.sigma0, defaults.roottask, ...modules],
    moduleAddress: address,
    searchPath,
  };
}

/** All lines that say something and whose conditions hold, included files in their place. */
function readLines(file: string, seen: Set<string>, from: string): Line[] {
  if (seen.has(file)) return [];
  seen.add(file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a directory' : String(code);
    throw new ModulesListError(from === file ? `${file}: ${why}` : `${from}: ${file}: ${why}`);
  }
  const out: Line[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    const at = `${file}:${i + 1}`;
    const said = raw.replace(/#.*$/, '').trim();
    if (said === '') continue;
    const parts = /^([^\s[]+)(?:\[([^\]]*)\])?(?:\s+(.*))?$/.exec(said);
    if (parts === null) throw new ModulesListError(`${at}: cannot be read: ${said}`);
    const options = optionsOf(parts[2] ?? '');
    const line: Line = {
      at,
      dir: dirname(file),
      keyword: parts[1]!.toLowerCase(),
      options,
      rest: expand(parts[3] ?? '', at),
    };
    for (const name of options.keys()) {
      if (REFUSED.has(name)) throw new ModulesListError(`${at}: '${name}' would run commands of the host`);
    }
    if (!holds(options)) continue;
    if (line.keyword === 'include') {
      for (const f of files(line)) {
        const path = isAbsolute(f) ? f : join(line.dir, f);
        out.push(...readLines(path, seen, at));
      }
      continue;
    }
    if (line.rest === '' && line.keyword !== 'set')
      throw new ModulesListError(`${at}: '${parts[1]}' of what?`);
    if (line.keyword === 'initrd' || (line.keyword === 'set' && /^mode\s+linux$/i.test(line.rest))) {
      throw new ModulesListError(`${at}: entries that boot Linux have no L4Re system`);
    }
    if (line.keyword !== 'set') out.push(line);
  }
  return out;
}

function optionsOf(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const part of text.split(',')) {
    const said = part.trim();
    if (said === '') continue;
    const eq = said.indexOf('=');
    if (eq < 0) out.set(said, '');
    else out.set(said.slice(0, eq).trim(), said.slice(eq + 1).trim());
  }
  return out;
}

function holds(options: ReadonlyMap<string, string>): boolean {
  const among = (name: string, ours: string): boolean => {
    const wanted = options.get(name);
    return wanted === undefined || wanted.split('|').includes(ours);
  };
  return among('arch', ARCH) && among('bits', BITS);
}

/** Puts the values of environment variables in. */
function expand(text: string, at: string): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new ModulesListError(`${at}: environment variable ${name} is not set`);
    return value;
  });
}

function kindOf(keyword: string): Exclude<ModuleKind, 'module'> | null {
  return keyword === 'kernel' || keyword === 'sigma0' || keyword === 'roottask' ? keyword : null;
}

function word(line: Line): string {
  return line.rest.split(/\s+/)[0]!;
}

function addressOf(line: Line): number {
  const said = word(line);
  const value = Number(said);
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(said) || value % 4096 !== 0 || !Number.isSafeInteger(value)) {
    throw new ModulesListError(`${line.at}: '${said}' is no page address`);
  }
  return value;
}

/** What a line names: with `glob`, the files that match, sorted. */
function files(line: Line): string[] {
  if (!line.options.has('glob')) return [line.rest];
  const path = isAbsolute(line.rest) ? line.rest : join(line.dir, line.rest);
  const dir = dirname(path);
  if (/[*?]/.test(dir))
    throw new ModulesListError(`${line.at}: patterns are for the last part of a path only`);
  const escaped = basename(path).replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  const found = existsSync(dir) ? readdirSync(dir).filter((n) => pattern.test(n)) : [];
  if (found.length === 0) throw new ModulesListError(`${line.at}: nothing matches ${path}`);
  return found.sort().map((n) => join(dir, n));
}

function moduleOf(
  kind: ModuleKind,
  said: string,
  options: ReadonlyMap<string, string>,
  at: string,
): ListedModule {
  const [file, ...args] = said.split(/\s+/);
  return {
    kind,
    file: file!,
    name: options.get('fname') ?? basename(file!),
    args: args.join(' '),
    libraries: !options.has('no-shlib-scan'),
    at,
  };
}
