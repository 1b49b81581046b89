/** `capgrind scaling`: what more threads bring a program, under each tool and policy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../engine/paths.js';
import { type Contestant, measure } from '../scaling/measure.js';
import { scalingPage } from '../scaling/page.js';
import { type ScalingResult, scalingJson, scalingText } from '../scaling/text.js';
import { UsageError } from './options.js';
import { shellWord } from './own-options.js';
import { progressOn } from './progress.js';
import { parseScaling, type ScalingOptions, scalingHelp } from './scaling-options.js';
import { selfCommand } from './self.js';

/** Runs the command; the exit status. @param argv words behind `scaling` */
export async function scaling(argv: readonly string[]): Promise<number> {
  try {
    const o = parseScaling(argv);
    if (o) return await runScaling(o);
    process.stdout.write(`${scalingHelp()}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`capgrind: ${error.message}\ncapgrind: Use scaling --help for more information.\n`);
    return 2;
  }
}

async function runScaling(o: ScalingOptions): Promise<number> {
  const made = new Date();
  const scratch = mkdtempSync(join(tmpdir(), 'capgrind-scaling-'));
  const progress = progressOn(process.stderr, 'capgrind scaling', 'runs');
  const contestants = [...nativeBuild(o), ...toolsAndPolicies(o)];
  try {
    progress.begin(o.threads.length * o.repeats * contestants.length, 0);
    const curves = await measure(contestants, {
      threads: o.threads,
      repeats: o.repeats,
      limitSeconds: o.limitSeconds,
      scratch,
      ran: (done) => progress.step(done, ''),
    });
    progress.end();
    const result: ScalingResult = {
      title: [o.program, ...o.args].map(shellWord).join(' '),
      work: o.work,
      repeats: o.repeats,
      processors: availableParallelism(),
      threads: o.threads,
      curves,
    };
    process.stdout.write(scalingText(result));
    write(o.json, () => scalingJson(result, VERSION));
    write(o.html, () => scalingPage(result, VERSION, made));
    return curves.some((c) => c.problem !== '') ? 1 : 0;
  } finally {
    progress.end();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function nativeBuild(o: ScalingOptions): Contestant[] {
  const { native } = o;
  if (native === undefined) return [];
  const command = (threads: number) => ({ file: '/bin/sh', args: ['-c', fill(native, threads)] });
  return [{ name: 'native', native: true, command }];
}

function toolsAndPolicies(o: ScalingOptions): Contestant[] {
  const [file, ...first] = selfCommand();
  return o.tools.flatMap((tool) =>
    o.policies.map((policy) => ({
      name: `${tool}, ${policy}`,
      native: false,
      command: (threads: number, resultFile: string) => ({
        file,
        args: [
          ...[
            ...first,
            ...o.passed,
            `--tool=${tool}`,
            `--atomicity=${policy}`,
            '-q',
            `--result=${resultFile}`,
          ],
          ...[o.program, ...o.args.map((w) => fill(w, threads))],
        ],
      }),
    })),
  );
}

const fill = (word: string, threads: number): string => word.replaceAll('{threads}', String(threads));

function write(file: string | undefined, text: () => string): void {
  if (file === undefined) return;
  try {
    writeFileSync(file, text());
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${(error as Error).message}`);
  }
}
