/** The META protocol that every server object of L4Re answers (fact sheet 10). */
import * as A from '../abi.js';
import { type Call, type Outcome, reply } from '../call.js';

export interface Interface {
  proto: number;
  name: string;
}

/** Answers a META request for an object with these interfaces, the most derived first. */
export function meta(call: Call, interfaces: readonly Interface[]): Outcome {
  if (call.words < 1) return reply(-A.EMSGTOOSHORT);
  switch (call.low(0)) {
    case 0:
      return reply(interfaces.length);
    case 1: {
      const found = interfaces[call.low(1) & 0xff];
      if (found === undefined) return reply(-A.ERANGE);
      const text = new TextEncoder().encode(`${found.name}\0`);
      call.setMr(0, found.proto);
      call.setMr(1, text.length);
      const words = Math.ceil(text.length / 8);
      for (let i = 0; i < words; i++) call.setMr(2 + i, 0);
      call.state.machine.u8.set(text, call.at(2));
      return reply(0, 2 + words);
    }
    case 2:
      return reply(interfaces.some((i) => i.proto === call.mr(1)) ? 1 : 0);
    default:
      return reply(-A.ENOSYS);
  }
}
