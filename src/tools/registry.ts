/** Finds a tool by name or path. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Tool } from './api.js';

const BUNDLED: Record<string, () => Promise<{ default: Tool }>> = {
  none: () => import('./none.js'),
  lackey: () => import('./lackey/index.js'),
  helgrind: () => import('./helgrind/index.js'),
  capcheck: () => import('./capcheck/index.js'),
};

export function bundledTools(): string[] {
  return Object.keys(BUNDLED);
}

/** Absolute form of a --tool value: a bundled name stays, a path becomes absolute. Throws Error with one line. */
export function resolveTool(name: string): string {
  if (name in BUNDLED) return name;
  const path = resolve(name);
  if (/[/.]/.test(name) && existsSync(path)) return path;
  throw new Error(
    `no such tool: ${name} (bundled: ${bundledTools().join(', ')}; or the path of a module, such as ./mine.js)`,
  );
}

/** Loads a tool resolved by resolveTool. Throws Error with one line when the module is no tool. */
export async function loadTool(name: string): Promise<Tool> {
  const bundled = BUNDLED[name];
  if (bundled) return (await bundled()).default;
  const module = (await import(pathToFileURL(name).href)) as { default?: Partial<Tool> };
  const tool = module.default;
  if (!tool || typeof tool.create !== 'function' || typeof tool.name !== 'string') {
    throw new Error(
      `${name}: the default export is not a tool (it needs name, title, atomicity, create; see docs)`,
    );
  }
  return {
    title: `${tool.name}, a tool`,
    copyright: 'its author',
    atomicity: 'block',
    shadowScale: 0,
    findsErrors: false,
    options: {},
    ...tool,
  } as Tool;
}
