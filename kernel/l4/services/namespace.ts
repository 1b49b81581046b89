/** A name space without entries: what one application finds under `rom` when no modules are given (11.4). */
import * as A from '../abi.js';
import { type Call, type Outcome, reply } from '../call.js';
import type { HostedObject } from '../objects.js';
import { meta } from './meta.js';
import { PROTO } from './protocols.js';

export class EmptyNamespace implements HostedObject {
  invoke(call: Call): Outcome {
    if (call.label === A.PROTO_META) return meta(call, [{ proto: PROTO.namespace, name: 'L4Re::Namespace' }]);
    if (call.label !== PROTO.namespace) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0)) {
      case 0:
        return reply(-A.ENOENT);
      // Nothing may be changed here.
      case 1:
      case 3:
        return reply(-A.EPERM);
      default:
        return reply(-A.ENOSYS);
    }
  }
}
