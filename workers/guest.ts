/** Entry point of a worker that runs guest threads, one at a time, as Piscina tasks. */
import { BroadcastChannel } from 'node:worker_threads';
import Piscina from 'piscina';
import type { ThreadTask, WorkerData } from '../src/engine/config.js';
import { WorkerProcess } from '../src/engine/worker-process.js';
import { loadTool } from '../src/tools/registry.js';

const data = Piscina.workerData as WorkerData;
const channel = new BroadcastChannel(data.config.id);
channel.unref();
const tool = await loadTool(data.config.tool);
const worker = new WorkerProcess(data, tool, (message) => channel.postMessage(message));

export default function run(task: ThreadTask): void {
  worker.run(task.ts);
}
