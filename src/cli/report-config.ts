/** From the command line to how a run reports: destinations opened, suppressions read, contradictions refused. */
import { openSync } from 'node:fs';
import type { ReportConfig } from '../engine/config.js';
import { MOST_SUPPRESSIONS } from '../engine/error-store.js';
import { DEFAULT_SUPPRESSIONS } from '../engine/paths.js';
import { expandName, nameQualifiers } from '../report/file-name.js';
import { readSuppressions, type Suppression, SuppressionError } from '../report/suppressions/parse.js';
import type { Tool } from '../tools/api.js';
import { type Options, UsageError } from './options.js';

/** Throws UsageError, and SuppressionError for mistakes in suppression files. */
export function reportConfig(o: Options, tool: Tool): ReportConfig {
  if (o.exitOnFirstError && o.errorExitcode === 0) {
    throw new UsageError('Bad option: --exit-on-first-error=yes needs --error-exitcode=N with N not 0');
  }
  if (o.xml && o.genSuppressions === 'yes') {
    throw new UsageError('Bad option: --xml=yes together with --gen-suppressions=yes (no or all is allowed)');
  }
  return {
    fd: textFd(o),
    xmlFd: o.xml ? xmlFd(o) : -1,
    verbosity: Math.max(0, 1 + o.verbose - o.quiet),
    numCallers: o.numCallers,
    showBelowMain: o.showBelowMain,
    fullpathAfter: o.fullpathAfter,
    demangle: o.demangle,
    errorLimit: o.errorLimit,
    genSuppressions: o.genSuppressions,
    inputFd: o.inputFd,
    keepSuppressed: o.showErrorList === 'all',
    errorMarkers: o.errorMarkers ?? null,
    exitOnFirstError: o.exitOnFirstError ? o.errorExitcode : 0,
    suppressions: suppressions(o, tool),
  };
}

function suppressions(o: Options, tool: Tool): Suppression[] {
  if (!tool.suppressions) return [];
  const list = readSuppressions(suppressionFiles(o), tool.suppressions, o.numCallers);
  if (list.length <= MOST_SUPPRESSIONS) return list;
  throw new SuppressionError(`${list.length} suppressions are too many (${MOST_SUPPRESSIONS} at most)`);
}

/** Suppression files in the order of reading. */
export function suppressionFiles(o: Options): string[] {
  return [...(o.defaultSuppressions ? DEFAULT_SUPPRESSIONS : []), ...o.suppressions];
}

/** Names and values of environment variables in the names of output files. */
export function outputQualifiers(o: Options): (readonly [string, string])[] {
  return [o.logFile, o.xmlFile].flatMap((t) => (t === undefined ? [] : nameQualifiers(t)));
}

/** The text form's descriptor. With XML there is none unless it was asked for. */
function textFd(o: Options): number {
  if (o.logFile !== undefined) return openOutput(o.logFile, 'log');
  return o.logFd ?? (o.xml ? -1 : 2);
}

function xmlFd(o: Options): number {
  if (o.xmlFile !== undefined) return openOutput(o.xmlFile, 'XML');
  if (o.xmlFd !== undefined) return o.xmlFd;
  throw new UsageError(
    'Bad option: --xml=yes, but no XML destination specified (use --xml-file=FILE or --xml-fd=N)',
  );
}

function openOutput(template: string, what: string): number {
  const name = outputName(template);
  try {
    return openSync(name, 'w', 0o644);
  } catch (error) {
    throw new UsageError(`cannot write the ${what} file ${name}: ${(error as Error).message}`);
  }
}

/** The name of an output file, its template filled in. */
export function outputName(template: string): string {
  try {
    return expandName(template, process.pid);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
