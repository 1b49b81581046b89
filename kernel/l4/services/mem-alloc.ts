/** Moe's factory as one application sees it: dataspaces and logs (fact sheet 11.2). */
import * as A from '../abi.js';
import { type Call, failed, type Outcome, reply } from '../call.js';
import type { Caps } from '../caps.js';
import * as L from '../layout.js';
import { answer, CREATOR_RIGHTS, targetSlot } from '../obj-factory.js';
import type { HostedObject } from '../objects.js';
import type { L4State } from '../state.js';
import { type Dataspaces, DS_R, DS_W, DS_X } from './dataspace.js';
import { meta } from './meta.js';
import { PROTO } from './protocols.js';

/** What a server hands out: not to destroy the object, which lives as long as somebody holds it. */
const GIVEN = CREATOR_RIGHTS & ~A.CAP_D;

export class MemAlloc implements HostedObject {
  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly dataspaces: Dataspaces,
  ) {}

  invoke(call: Call): Outcome {
    if (call.label === A.PROTO_META) {
      return meta(call, [
        { proto: PROTO.memAlloc, name: 'L4Re::Mem_alloc' },
        { proto: A.PROTO_FACTORY, name: 'L4::Factory' },
      ]);
    }
    if (call.label !== A.PROTO_FACTORY) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    const made = this.make(call);
    if (typeof made !== 'number') return made;
    const index = targetSlot(call);
    if (index < 0) {
      this.caps.destroy(made, 0, 'destroyed');
      return failed(A.IPC_OVERFLOW | A.IPC_RECEIVE);
    }
    if (!this.caps.fill(call.task, index, made, GIVEN, 'item')) {
      this.caps.destroy(made, 0, 'destroyed');
      return reply(-A.ENOMEM);
    }
    return answer(call, 0);
  }

  private make(call: Call): number | Outcome {
    switch (call.mr(0)) {
      case PROTO.dataspace: {
        if (call.words < 3) return reply(-A.EMSGTOOSHORT);
        const size = call.mr(2);
        if (size === 0) return reply(-A.EINVAL);
        // A negative size asks for all that is left, which a virtual machine does not promise.
        return (size > 0 ? this.dataspaces.make(size, DS_R | DS_W | DS_X) : 0) || reply(-A.ENOMEM);
      }
      case A.PROTO_LOG:
        return this.state.alloc(L.KIND_LOG, 0, 0) || reply(-A.ENOMEM);
      default:
        return reply(-A.ENODEV);
    }
  }
}
