/**
 * A name space of files, each a read-only dataspace: what one application finds under `rom` (fact sheet 11.4).
 * Records in a page of the object's own, under the kernel lock: {char name[56], dataspace object u32, its id u32}.
 */
import { PAGE_SIZE } from '../../core/layout.js';
import * as A from '../abi.js';
import { type Call, failed, type Outcome, reply } from '../call.js';
import type { Caps } from '../caps.js';
import * as L from '../layout.js';
import { answer, targetSlot } from '../obj-factory.js';
import type { HostedObject } from '../objects.js';
import type { L4State } from '../state.js';
import { type Dataspaces, DS_R, DS_X } from './dataspace.js';
import { meta } from './meta.js';
import { PROTO } from './protocols.js';

const TABLE = 48;
const COUNT = 52;
const RECORD = 64;
const NAME_MAX = 55;
const R_OBJ = 56;
const R_ID = 60;
/** A file may be read and executed. */
const GIVEN = A.CAP_S | A.CAP_R | L.SLOT_COUNTED;

export class Namespaces implements HostedObject {
  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly dataspaces: Dataspaces,
  ) {}

  /** Adds a file. Throws Error when there is no room for it. */
  add(namespace: number, name: string, bytes: Uint8Array): void {
    const { state } = this;
    const text = new TextEncoder().encode(name);
    const n = state.w(namespace + COUNT);
    if (state.w(namespace + TABLE) === 0) state.setW(namespace + TABLE, state.pages(1));
    const table = state.w(namespace + TABLE);
    const file = this.dataspaces.make(bytes.length, DS_R | DS_X);
    if (table === 0 || file === 0 || n >= PAGE_SIZE / RECORD || text.length > NAME_MAX) {
      throw new Error(`${name}: no room for the file`);
    }
    state.machine.u8.set(bytes, state.w(file + L.D_HOST));
    const at = table + n * RECORD;
    state.machine.u8.set(text, at);
    state.setW(at + R_OBJ, file);
    state.setW(at + R_ID, state.id(file));
    // The name space holds it too.
    state.setW(file + L.O_REFS, 1);
    state.setW(namespace + COUNT, n + 1);
  }

  invoke(call: Call): Outcome {
    if (call.label === A.PROTO_META) return meta(call, [{ proto: PROTO.namespace, name: 'L4Re::Namespace' }]);
    if (call.label !== PROTO.namespace) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0)) {
      case 0:
        return this.query(call);
      // Nothing may be changed here.
      case 1:
      case 3:
        return reply(-A.EPERM);
      default:
        return reply(-A.ENOSYS);
    }
  }

  private query(call: Call): Outcome {
    const bytes = call.bytes(2, call.mru(1));
    const name = new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
    const file = this.find(call.obj, name);
    if (file === 0) return reply(-A.ENOENT);
    const index = targetSlot(call);
    if (index < 0) return failed(A.IPC_OVERFLOW | A.IPC_RECEIVE);
    return this.caps.fill(call.task, index, file, GIVEN, 'item') ? answer(call, 0) : reply(-A.ENOMEM);
  }

  private find(namespace: number, name: string): number {
    const { state } = this;
    for (let k = 0; k < state.w(namespace + COUNT); k++) {
      const at = state.w(namespace + TABLE) + k * RECORD;
      const bytes = state.machine.u8.slice(at, at + NAME_MAX);
      if (new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0))) !== name) continue;
      return state.alive(state.w(at + R_OBJ), state.w(at + R_ID));
    }
    return 0;
  }

  dismantle(namespace: number): void {
    const { state } = this;
    const table = state.w(namespace + TABLE);
    if (table !== 0) state.freePages(table, 1);
  }
}
