/**
 * Findings as SARIF 2.1.0 (OASIS standard), which CI systems show beside the code: one run, one result for each
 * distinct error, with its stacks.
 */
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { shownName, type TraceOptions } from '../image/frames.js';
import type { Frame } from '../image/image-set.js';
import type { CountedError } from './lists.js';
import type { ReportedError, ReportedPart } from './record.js';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';
/** Name of the fingerprint: kind and innermost frames, by function and line. */
const FINGERPRINT = 'capgrindStack/v1';

export interface SarifRun {
  readonly version: string;
  /** The tool's first line. */
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly status: number;
  /** Name of the signal that ended the program, null for none. */
  readonly signal: string | null;
  readonly errors: readonly CountedError[];
}

type Json = Record<string, unknown>;

/** The whole log as one JSON object. */
export function sarifLog(run: SarifRun, options: TraceOptions): Json {
  const errors = run.errors.filter((e) => e.error !== null) as (CountedError & { error: ReportedError })[];
  const ids = [...new Set(errors.map((e) => ruleId(e.error)))].sort();
  const driver = {
    name: 'capgrind',
    version: run.version,
    fullName: run.title,
    rules: ids.map((id) => ({ id, name: id.split(':').at(-1) })),
  };
  const invocation = {
    executionSuccessful: run.signal === null,
    exitCode: run.status,
    ...(run.signal === null ? {} : { exitSignalName: run.signal }),
    executableLocation: artifact(run.program),
    arguments: run.args,
  };
  const results = errors.map((e) => result(e, e.error, ids, options));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [{ tool: { driver }, invocations: [invocation], columnKind: 'utf16CodeUnits', results }],
  };
}

const ruleId = (e: ReportedError): string => `${e.tool}:${e.kind}`;

function result(
  counted: CountedError,
  e: ReportedError,
  ids: readonly string[],
  options: TraceOptions,
): Json {
  const parts = e.parts.filter((p) => p.part === 'line' || p.only !== 'xml');
  const sentences = parts.flatMap((p) => (p.part === 'what' || p.part === 'aux' ? [p.text] : []));
  // The place to look at is the innermost one with a source line.
  const where = e.frames.find((f) => f.file !== null) ?? e.frames[0];
  return {
    ruleId: ruleId(e),
    ruleIndex: ids.indexOf(ruleId(e)),
    kind: 'fail',
    level: 'error',
    message: { text: sentences.join('\n') },
    ...(where ? { locations: [location(where, options)] } : {}),
    stacks: stacks(parts, options),
    occurrenceCount: counted.count,
    partialFingerprints: { [FINGERPRINT]: fingerprint(e) },
    ...(counted.suppressedBy === null
      ? {}
      : { suppressions: [{ kind: 'external', justification: counted.suppressedBy }] }),
  };
}

/** Each stack with the sentence before it as its message. */
function stacks(parts: readonly ReportedPart[], options: TraceOptions): Json[] {
  let text = '';
  return parts.flatMap((p) => {
    if (p.part === 'what' || p.part === 'aux') text = p.text;
    if (p.part !== 'stack' || p.frames.length === 0) return [];
    const frames = p.frames.map((f) => ({
      location: location(f, options),
      ...(f.obj === null ? {} : { module: f.obj }),
    }));
    return [{ message: { text }, frames }];
  });
}

function location(f: Frame, options: TraceOptions): Json {
  const name = shownName(f, options);
  const physical: Json = { address: { absoluteAddress: f.pc, kind: 'instruction' } };
  if (f.file !== null) {
    physical['artifactLocation'] = artifact(f.dir === null ? f.file : join(f.dir, f.file));
    // Lines count from 1; code that belongs to no line has 0.
    if (f.line > 0) physical['region'] = { startLine: f.line };
  }
  return {
    physicalLocation: physical,
    ...(name === null ? {} : { logicalLocations: [{ fullyQualifiedName: name, kind: 'function' }] }),
  };
}

/** An absolute path as a file URI, a relative one as a relative reference. */
function artifact(path: string): Json {
  if (isAbsolute(path)) return { uri: pathToFileURL(path).href };
  return { uri: path.split('/').map(encodeURIComponent).join('/') };
}

/** The same for the same error in another build as long as names and lines stay. */
function fingerprint(e: ReportedError): string {
  const frames = e.frames.slice(0, 4).map((f) => `${f.fn ?? '?'}:${f.file ?? '?'}:${f.line}`);
  return [ruleId(e), e.same, ...frames].join('|');
}
