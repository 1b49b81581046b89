/** What a terminal answers. Node cannot ask the host's, so settings are those of a terminal fresh from login. */
import tty from 'node:tty';

const ICRNL_IXON = 0x0100 | 0x0400;
const OPOST_ONLCR = 0x1 | 0x4;
const CS8_CREAD_B38400 = 0x30 | 0x80 | 0xf;
const ISIG_ICANON_ECHO_IEXTEN = 0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x200 | 0x800 | 0x8000;
/** c_cc in order of VINTR .. VEOL2 (asm-generic/termbits.h). */
const CONTROL = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

/** struct termios of the kernel: four flag words, c_line, 19 control characters. 36 bytes. */
export function terminalSettings(): Uint8Array {
  const bytes = new Uint8Array(36);
  const view = new DataView(bytes.buffer);
  [ICRNL_IXON, OPOST_ONLCR, CS8_CREAD_B38400, ISIG_ICANON_ECHO_IEXTEN].forEach((flags, i) => {
    view.setUint32(i * 4, flags, true);
  });
  bytes.set(CONTROL, 17);
  return bytes;
}

/** struct winsize: rows, columns, pixels unknown. From the host's terminal, else LINES and COLUMNS, else 24 x 80. */
export function windowSize(envp: readonly string[]): Uint8Array {
  let rows = 24;
  let columns = 80;
  for (const entry of envp) {
    if (entry.startsWith('LINES=')) rows = Number(entry.slice(6)) || rows;
    if (entry.startsWith('COLUMNS=')) columns = Number(entry.slice(8)) || columns;
  }
  if (process.stdout instanceof tty.WriteStream) {
    rows = process.stdout.rows;
    columns = process.stdout.columns;
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint16(0, rows, true);
  new DataView(bytes.buffer).setUint16(2, columns, true);
  return bytes;
}
