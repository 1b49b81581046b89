/** Entry point of a worker that runs guest threads, one at a time, as Piscina tasks. */
import { BroadcastChannel } from 'node:worker_threads';
import Piscina from 'piscina';
import { T_TASK } from '../kernel/core/layout.js';
import { Machine } from '../kernel/core/machine.js';
import type { ThreadTask, WorkerData } from '../src/engine/config.js';
import { WorkerProcess } from '../src/engine/worker-process.js';
import { loadTool } from '../src/tools/registry.js';

const data = Piscina.workerData as WorkerData;
const channel = new BroadcastChannel(data.config.id);
channel.unref();
const tool = await loadTool(data.config.tool);
const machine = Machine.attach(data.memory);
const processes = new Map<number, WorkerProcess>();

/** This worker's view of a task, made when it first runs a thread of it. */
function processOf(slot: number): WorkerProcess {
  let process = processes.get(slot);
  if (process === undefined) {
    process = new WorkerProcess(data, tool, (message) => channel.postMessage(message), slot);
    processes.set(slot, process);
  }
  return process;
}

export default function run(task: ThreadTask): void {
  processOf(machine.i32[(task.ts + T_TASK) >> 2]!).run(task.ts);
}
