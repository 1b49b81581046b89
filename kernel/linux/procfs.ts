/** Files of /proc that tell about the guest instead of the host process that runs it. Texts as proc(5) has them. */
import os from 'node:os';
import { PAGE_SIZE, T_TID } from '../core/layout.js';
import { RF_FILE, RF_SHARED } from '../core/regions.js';
import type { LinuxKernel } from './kernel.js';
import { L_NAME, P_PID, P_PPID } from './process.js';
import { FIXED_MEMORY } from './sys-info.js';

/** Contents of a synthesised file, or null when `name` is none. `name` is what follows /proc/self or /proc. */
export function procFile(k: LinuxKernel, name: string): Uint8Array | null {
  const text = render(k, name);
  return text === null ? null : Buffer.from(text);
}

function render(k: LinuxKernel, name: string): string | null {
  const { config } = k.env;
  switch (name) {
    case 'maps':
      return maps(k);
    case 'cmdline':
      return config.argv.map((arg) => `${arg}\0`).join('');
    case 'environ':
      return config.envp.map((entry) => `${entry}\0`).join('');
    case 'comm':
      return `${threadName(k)}\n`;
    case 'status':
      return status(k);
    case 'statm': {
      const pages = Math.ceil(total(k) / PAGE_SIZE);
      return `${pages} ${pages} 0 0 0 ${pages} 0\n`;
    }
    case '/cpuinfo':
      return Array.from(
        { length: config.cpus },
        (_, i) =>
          `processor\t: ${i}\nhart\t\t: ${i}\nisa\t\t: rv64imafdc_zicsr_zifencei_zba_zbb_zbs\nmmu\t\t: sv48\n\n`,
      ).join('');
    case '/meminfo': {
      const kb = (bytes: number) => String(Math.floor(bytes / 1024)).padStart(8);
      const all = k.env.scheduled ? FIXED_MEMORY : os.totalmem();
      const free = k.env.scheduled ? FIXED_MEMORY / 2 : os.freemem();
      return (
        `MemTotal:       ${kb(all)} kB\nMemFree:        ${kb(free)} kB\nMemAvailable:   ${kb(free)} kB\n` +
        'Buffers:               0 kB\nCached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n'
      );
    }
    default:
      return null;
  }
}

/** The thread's name without its final 0. */
export function threadName(k: LinuxKernel): string {
  const bytes = k.machine.u8.slice(k.ts + L_NAME, k.ts + L_NAME + 16);
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? 15 : end)).toString('latin1');
}

function total(k: LinuxKernel): number {
  return k.space.regions().reduce((sum, r) => sum + r.end - r.start, 0);
}

function status(k: LinuxKernel): string {
  const { i32 } = k.machine;
  const kb = Math.floor(total(k) / 1024);
  const ids = (id: number) => `${id}\t${id}\t${id}\t${id}`;
  return [
    `Name:\t${threadName(k)}`,
    'State:\tR (running)',
    `Tgid:\t${i32[P_PID >> 2]}`,
    `Pid:\t${i32[(k.ts + T_TID) >> 2]}`,
    `PPid:\t${i32[P_PPID >> 2]}`,
    'TracerPid:\t0',
    `Uid:\t${ids(process.getuid?.() ?? 0)}`,
    `Gid:\t${ids(process.getgid?.() ?? 0)}`,
    `VmPeak:\t${String(kb).padStart(8)} kB`,
    `VmSize:\t${String(kb).padStart(8)} kB`,
    `VmRSS:\t${String(kb).padStart(8)} kB`,
    `Threads:\t${k.env.threads.live().length}`,
    '',
  ].join('\n');
}

function maps(k: LinuxKernel): string {
  let text = '';
  for (const r of k.space.regions()) {
    const flag = (bit: number, letter: string) => (r.prot & bit ? letter : '-');
    const range = `${hex(r.start)}-${hex(r.end)}`;
    const prot = `${flag(1, 'r')}${flag(2, 'w')}${flag(4, 'x')}${r.flags & RF_SHARED ? 's' : 'p'}`;
    const line = `${range} ${prot} ${(r.flags & RF_FILE ? r.fileOffset : 0).toString(16).padStart(8, '0')} 00:00 0`;
    text += r.name ? `${line.padEnd(73)}${r.name}\n` : `${line}\n`;
  }
  return text;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
