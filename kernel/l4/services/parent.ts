/** The parent of the one application: its exit signal ends the run (fact sheet 11.5). */
import * as A from '../abi.js';
import { type Call, ENDS, type Outcome, reply } from '../call.js';
import type { L4Env } from '../env.js';
import type { HostedObject } from '../objects.js';
import { PROTO } from './protocols.js';

const SIGNAL_EXIT = 0;

export class Parent implements HostedObject {
  constructor(private readonly env: L4Env) {}

  invoke(call: Call): Outcome {
    if (call.label !== PROTO.parent) return reply(-A.EBADPROTO);
    if (call.words < 3) return reply(-A.EMSGTOOSHORT);
    if (call.low(0) !== 0) return reply(-A.ENOSYS);
    // Other signals are notes to a parent that keeps account of them; nobody does here.
    if (call.mr(1) !== SIGNAL_EXIT) return reply(0);
    this.env.exitProcess(call.low(2) & 255);
    return ENDS;
  }
}
