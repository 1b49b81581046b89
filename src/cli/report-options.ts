/** Options about what is reported, how and where to. */
import { type OptionValues, UsageError } from './option-values.js';

export interface ReportOptions {
  logFile: string | undefined;
  logFd: number | undefined;
  /** Outcome and findings as JSON. */
  result: string | undefined;
  sarif: string | undefined;
  xml: boolean;
  xmlFile: string | undefined;
  xmlFd: number | undefined;
  xmlUserComment: string | undefined;
  quiet: number;
  verbose: number;
  errorExitcode: number;
  errorLimit: boolean;
  exitOnFirstError: boolean;
  errorMarkers: { begin: string; end: string } | undefined;
  showErrorList: 'no' | 'yes' | 'all';
  suppressions: string[];
  defaultSuppressions: boolean;
  genSuppressions: 'no' | 'all' | 'yes';
  inputFd: number;
  numCallers: number;
  showBelowMain: boolean;
  demangle: boolean;
  fullpathAfter: string[];
}

/** Names, and what the help says of them. */
export const REPORT_OPTIONS: Readonly<Record<string, string>> = {
  'log-file': 'report goes to this file; %p is the pid, %n a number, %q{VAR} a variable',
  'log-fd': 'report goes to this descriptor',
  result: 'outcome and findings go to this file, as JSON',
  sarif: 'findings go to this file, as SARIF',
  xml: "report in Valgrind's XML, to --xml-file or --xml-fd",
  'xml-file': 'file for --xml=yes, named as --log-file',
  'xml-fd': 'descriptor for --xml=yes',
  'xml-user-comment': 'put into the XML as it is',
  'error-exitcode': 'exit status when errors were found',
  'error-limit': 'stop reporting after 1000 different errors',
  'exit-on-first-error': 'stop at the first error',
  'error-markers': 'BEGIN,END: lines around each error',
  'show-error-list': 'no, yes, all (also suppressed): errors at the end',
  suppressions: 'do not report the errors that this file describes',
  'default-suppressions': 'use the suppressions that come with capgrind',
  'gen-suppressions': 'no, yes (ask), all: print suppressions for errors',
  'input-fd': 'where the answers to --gen-suppressions=yes come from',
  'num-callers': 'frames in a stack trace, 2..500',
  'show-below-main': 'stack traces go on below main',
  demangle: 'C++ and Rust names as in the source',
  'fullpath-after': 'show source paths from this string on',
  'read-var-info': 'accepted; has no effect',
};

/** Switches that count how often they were given: name, letter, help. */
export const REPORT_SWITCHES: readonly (readonly [string, string | undefined, string])[] = [
  ['quiet', 'q', 'only errors'],
  ['verbose', 'v', 'more about what happens'],
  ['s', undefined, 'as --show-error-list=yes'],
];

/** Throws UsageError. */
export function readReportOptions(v: OptionValues): ReportOptions {
  v.flag('read-var-info', false);
  return {
    logFile: v.fileName('log-file'),
    logFd: v.whole('log-fd', undefined, -1, 65535),
    result: v.path('result'),
    sarif: v.fileName('sarif'),
    xml: v.flag('xml', false),
    xmlFile: v.fileName('xml-file'),
    xmlFd: v.whole('xml-fd', undefined, 0, 65535),
    xmlUserComment: v.text('xml-user-comment'),
    quiet: v.count('quiet'),
    verbose: v.count('verbose'),
    errorExitcode: v.whole('error-exitcode', 0, 0, 255),
    errorLimit: v.flag('error-limit', true),
    exitOnFirstError: v.flag('exit-on-first-error', false),
    errorMarkers: markers(v.text('error-markers')),
    showErrorList: v.count('s') > 0 && v.last('show-error-list') === undefined ? 'yes' : errorList(v),
    suppressions: v.list('suppressions'),
    defaultSuppressions: v.flag('default-suppressions', true),
    genSuppressions: v.choice('gen-suppressions', ['no', 'all', 'yes']),
    inputFd: v.whole('input-fd', 0, 0, 65535),
    numCallers: v.whole('num-callers', 12, 2, 500),
    showBelowMain: v.flag('show-below-main', false),
    demangle: v.flag('demangle', true),
    fullpathAfter: v.list('fullpath-after'),
  };
}

const errorList = (v: OptionValues): 'no' | 'yes' | 'all' =>
  v.choice('show-error-list', ['no', 'yes', 'all']);

function markers(v: string | undefined): { begin: string; end: string } | undefined {
  if (v === undefined) return undefined;
  const words = v.split(',');
  if (words.length !== 2) throw new UsageError(`Bad option: --error-markers=${v} (BEGIN,END)`);
  return { begin: words[0]!, end: words[1]! };
}
