import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import test from 'ava';
import { bundledTools, loadTool, resolveTool } from '../../src/tools/registry.js';

const dir = mkdtempSync(join(tmpdir(), 'capgrind-registry-'));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

const module = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};

test('each bundled tool is found by the name it has', async (t) => {
  t.deepEqual(bundledTools().sort(), ['capcheck', 'helgrind', 'lackey', 'none']);
  for (const name of bundledTools()) {
    t.is(resolveTool(name), name);
    t.is((await loadTool(name)).name, name);
  }
});

test('a relative path becomes absolute, for workers may not share the folder', (t) => {
  const path = module('path.mjs', '');
  t.is(resolveTool(relative(process.cwd(), path)), path);
});

test('what is neither a name nor a file is refused, with the names there are', (t) => {
  t.throws(() => resolveTool('memcheck'), {
    message: /no such tool: memcheck \(bundled: none, lackey, helgrind, capcheck;/,
  });
  t.throws(() => resolveTool('./absent.js'), { message: /no such tool/ });
});

test('a module needs a name and create', async (t) => {
  const bare = module('bare.mjs', 'export const x = 1;');
  await t.throwsAsync(loadTool(bare), { message: /the default export is not a tool/ });
  const nameless = module('nameless.mjs', 'export default { create: () => ({}) };');
  await t.throwsAsync(loadTool(nameless), { message: /the default export is not a tool/ });
});

test('what a module leaves out is filled in on the safe side', async (t) => {
  const tool = await loadTool(module('small.mjs', "export default { name: 'small', create: () => ({}) };"));
  t.is(tool.atomicity, 'block');
  t.is(tool.shadowScale, 0);
  t.false(tool.findsErrors);
  t.deepEqual(tool.options, {});
  t.is(tool.title, 'small, a tool');
});

test('what a module says counts', async (t) => {
  const text =
    "export default { name: 'big', atomicity: 'total', shadowScale: 1, findsErrors: true, create: () => ({}) };";
  const tool = await loadTool(module('big.mjs', text));
  t.is(tool.atomicity, 'total');
  t.is(tool.shadowScale, 1);
  t.true(tool.findsErrors);
});
