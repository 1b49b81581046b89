/** A guest thread without guest code: runs one scenario and posts its result. */
import { parentPort, workerData } from 'node:worker_threads';
import { Rig } from './rig.js';
import { scenarios } from './scenarios.js';

const { memory, ts, scenario, n } = workerData as {
  memory: WebAssembly.Memory;
  ts: number;
  scenario: string;
  n: number;
};
const rig = Rig.attach(memory, ts);
parentPort!.postMessage(scenarios[scenario]!(rig, n));
