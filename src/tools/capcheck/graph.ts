/**
 * The capability map: tasks, their slots, the objects these hold and the rights, as a page with a picture and as DOT
 * for graphviz. From the tables as they are; tool-state lock held or no guest running.
 */
import { writeFileSync } from 'node:fs';
import { objectRights } from '../../../kernel/l4/protocols/wire.js';
import { hex } from './findings.js';
import type { CapModel } from './model.js';
import * as T from './tables.js';

interface SlotNode {
  readonly slot: number;
  readonly object: number;
  readonly rights: string;
  /** `allocated`, `freed` or nothing, as the program's allocator has it. */
  readonly state: string;
}

interface TaskNode {
  readonly task: number;
  readonly name: string;
  readonly slots: readonly SlotNode[];
}

export interface CapGraph {
  readonly tasks: readonly TaskNode[];
  readonly objects: readonly { readonly id: number; readonly text: string }[];
}

/** All full slots of tasks that are there, and the allocated empty ones. */
export function capGraph(model: CapModel): CapGraph {
  const { tables } = model;
  const { i32 } = tables;
  const tasks = new Map<number, SlotNode[]>();
  const held = new Set<number>();
  for (const row of tables.slots()) {
    const task = i32[row + T.S_TASK]! - 1;
    const object = i32[row + T.S_OBJECT]!;
    const state = i32[row + T.S_STATE]!;
    if (i32[tables.task(task) + T.K_GONE] !== 0) continue;
    if (object === 0 && state !== T.ALLOCATED) continue;
    if (object !== 0) held.add(object);
    const slots = tasks.get(task) ?? [];
    tasks.set(task, slots);
    slots.push({
      slot: i32[row + T.S_SLOT]!,
      object,
      rights: object === 0 ? '' : objectRights(i32[row + T.S_HOW]! & 0xf),
      state: state === T.ALLOCATED ? 'allocated' : state === T.FREED ? 'freed' : '',
    });
  }
  return {
    tasks: [...tasks.entries()]
      .sort(([a], [b]) => a - b)
      .map(([task, slots]) => ({
        task,
        name: tables.name(i32[tables.task(task) + T.K_NAME]!),
        slots: slots.sort((a, b) => a.slot - b.slot),
      })),
    objects: [...held].sort((a, b) => a - b).map((id) => ({ id, text: model.objectText(id) })),
  };
}

const label = (s: SlotNode): string => `${hex(s.slot)}${s.rights === '' ? ' empty' : ` ${s.rights}`}`;
const title = (t: TaskNode): string => (t.name === '' ? `task ${t.task}` : `task ${t.task} ${t.name}`);

export function dot(graph: CapGraph): string {
  const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const lines = ['digraph capabilities {', '  rankdir=LR;', '  node [shape=box, fontname=monospace];'];
  for (const t of graph.tasks) {
    lines.push(`  subgraph cluster_${t.task} {`, `    label=${quote(title(t))};`);
    for (const s of t.slots) {
      const style = s.state === 'freed' ? ', color=red' : s.object === 0 ? ', style=dashed' : '';
      lines.push(`    t${t.task}_${s.slot} [label=${quote(label(s))}${style}];`);
    }
    lines.push('  }');
  }
  for (const o of graph.objects) lines.push(`  o${o.id} [label=${quote(o.text)}, style=rounded];`);
  for (const t of graph.tasks) {
    for (const s of t.slots) if (s.object !== 0) lines.push(`  t${t.task}_${s.slot} -> o${s.object};`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

const ROW = 20;
const LEFT = 20;
const RIGHT = 520;

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

/** One page without anything from elsewhere: slots on the left by task, objects on the right, a line for each hold. */
export function html(graph: CapGraph): string {
  const shapes: string[] = [];
  const lines: string[] = [];
  let y = 30;
  const at = new Map<string, number>();
  for (const t of graph.tasks) {
    shapes.push(`<text class="task" x="${LEFT}" y="${y}">${escaped(title(t))}</text>`);
    y += ROW;
    for (const s of t.slots) {
      const kind = s.state === 'freed' ? 'freed' : s.object === 0 ? 'empty' : 'full';
      shapes.push(
        `<rect class="${kind}" x="${LEFT}" y="${y - 14}" width="200" height="18"/>`,
        `<text x="${LEFT + 6}" y="${y}">${escaped(label(s))}${s.state === '' ? '' : ` <tspan class="state">${s.state}</tspan>`}</text>`,
      );
      at.set(`${t.task} ${s.slot}`, y - 5);
      y += ROW;
    }
    y += ROW;
  }
  let oy = 30 + ROW;
  const objects = new Map<number, number>();
  for (const o of graph.objects) {
    shapes.push(
      `<rect class="object" rx="8" x="${RIGHT}" y="${oy - 14}" width="360" height="18"/>`,
      `<text x="${RIGHT + 8}" y="${oy}">${escaped(o.text)}</text>`,
    );
    objects.set(o.id, oy - 5);
    oy += ROW;
  }
  for (const t of graph.tasks) {
    for (const s of t.slots) {
      const to = objects.get(s.object);
      if (to === undefined) continue;
      const from = at.get(`${t.task} ${s.slot}`)!;
      const bend = (LEFT + 200 + RIGHT) / 2;
      lines.push(
        `<path d="M${LEFT + 200} ${from} C${bend} ${from} ${bend} ${to} ${RIGHT} ${to}"><title>${escaped(`${title(t)} ${label(s)}`)}</title></path>`,
      );
    }
  }
  const height = Math.max(y, oy) + 20;
  return [
    '<!DOCTYPE html>',
    '<html lang="en"><head><meta charset="utf-8"><title>Capability map</title><style>',
    'body{font:14px sans-serif;margin:1em}text{font:12px monospace}.task{font-weight:bold}.state{fill:#777}',
    'rect{fill:#eef;stroke:#669}.empty{fill:#fff;stroke-dasharray:4}.freed{fill:#fdd;stroke:#c00}.object{fill:#efe;stroke:#696}',
    'path{fill:none;stroke:#888}path:hover{stroke:#c00;stroke-width:3}',
    '</style></head><body><h1>Capability map</h1>',
    `<p>${graph.tasks.reduce((n, t) => n + t.slots.length, 0)} slots of ${graph.tasks.length} tasks, ${graph.objects.length} objects.`,
    'Red: freed but still full. Dashed: allocated and empty.</p>',
    `<svg width="900" height="${height}" xmlns="http://www.w3.org/2000/svg">`,
    ...lines,
    ...shapes,
    '</svg></body></html>',
    '',
  ].join('\n');
}

/** Writes the page, and DOT under the same name with `.dot`; a line for the user when that fails. */
export function graphFiles(file: string, model: CapModel): string | null {
  const graph = capGraph(model);
  try {
    writeFileSync(file, html(graph));
    writeFileSync(`${file.replace(/\.html?$/, '')}.dot`, dot(graph));
    return null;
  } catch (error) {
    return `cannot write the capability map: ${(error as Error).message}`;
  }
}
