/**
 * The part of the SARIF 2.1.0 schema that capgrind's logs use, as rules: properties an object may and must have.
 * (OASIS SARIF 2.1.0, sections 3.13 log, 3.14 run, 3.18 tool, 3.20 invocation, 3.27 result, 3.28 location, 3.44 stack.)
 */

type Check = (value: unknown, path: string, wrong: string[]) => void;

const text: Check = (v, p, w) => {
  if (typeof v !== 'string' || v === '') w.push(`${p}: not a text`);
};
const oneOf =
  (...words: unknown[]): Check =>
  (v, p, w) => {
    if (!words.includes(v)) w.push(`${p}: ${JSON.stringify(v)}`);
  };
const whole =
  (least: number): Check =>
  (v, p, w) => {
    if (!Number.isInteger(v) || (v as number) < least) w.push(`${p}: ${JSON.stringify(v)}`);
  };
const flag: Check = (v, p, w) => {
  if (typeof v !== 'boolean') w.push(`${p}: not true or false`);
};
/** An absolute URI, or a relative reference, in the characters that URIs have. */
const uri: Check = (v, p, w) => {
  if (typeof v !== 'string' || !/^[\w\-.~:/?#@!$&'()*+,;=%[\]]+$/.test(v))
    w.push(`${p}: no URI: ${String(v)}`);
};
const list =
  (item: Check): Check =>
  (v, p, w) => {
    if (!Array.isArray(v)) w.push(`${p}: not a list`);
    else for (const [i, x] of v.entries()) item(x, `${p}[${i}]`, w);
  };
const texts: Check = (v, p, w) => {
  for (const [k, x] of Object.entries((v ?? {}) as object)) text(x, `${p}.${k}`, w);
};

/** An object; names that end in `!` are required, others are not allowed unless listed. */
function object(shape: Record<string, Check | (() => Check)>): Check {
  return (v, p, w) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) {
      w.push(`${p}: not an object`);
      return;
    }
    const known = new Map(Object.entries(shape).map(([k, c]) => [k.replace('!', ''), c]));
    for (const k of Object.keys(shape))
      if (k.endsWith('!') && !(k.slice(0, -1) in v)) w.push(`${p}: no ${k}`);
    for (const [k, x] of Object.entries(v)) {
      const check = known.get(k);
      if (check) (check as Check)(x, `${p}.${k}`, w);
      else w.push(`${p}: unknown ${k}`);
    }
  };
}

const message = object({ 'text!': text });
const artifact = object({ 'uri!': uri });
const location = object({
  physicalLocation: object({
    address: object({ 'absoluteAddress!': whole(0), kind: oneOf('instruction') }),
    artifactLocation: artifact,
    region: object({ 'startLine!': whole(1) }),
  }),
  logicalLocations: list(object({ 'fullyQualifiedName!': text, kind: oneOf('function') })),
});
const result = object({
  'ruleId!': text,
  'ruleIndex!': whole(0),
  'kind!': oneOf('fail'),
  'level!': oneOf('error'),
  'message!': message,
  locations: list(location),
  stacks: list(object({ message, 'frames!': list(object({ 'location!': location, module: text })) })),
  occurrenceCount: whole(1),
  partialFingerprints: texts,
  suppressions: list(object({ 'kind!': oneOf('external', 'inSource'), justification: text })),
});
const driver = object({
  'name!': text,
  version: text,
  fullName: text,
  rules: list(object({ 'id!': text, name: text })),
});
const invocation = object({
  'executionSuccessful!': flag,
  exitCode: whole(0),
  exitSignalName: text,
  executableLocation: artifact,
  arguments: list(text),
});
const sarif = object({
  $schema: uri,
  'version!': oneOf('2.1.0'),
  'runs!': list(
    object({
      'tool!': object({ 'driver!': driver }),
      invocations: list(invocation),
      columnKind: oneOf('utf16CodeUnits'),
      results: list(result),
    }),
  ),
});

interface Log {
  runs?: {
    tool: { driver: { rules?: { id: string }[] } };
    results?: { ruleId: string; ruleIndex: number }[];
  }[];
}

/** Everything in a log that the schema does not allow, in words. */
export function checkSarif(log: unknown): string[] {
  const wrong: string[] = [];
  sarif(log, 'log', wrong);
  for (const r of (log as Log).runs ?? []) {
    for (const x of r.results ?? []) {
      if (r.tool.driver.rules?.[x.ruleIndex]?.id !== x.ruleId)
        wrong.push(`rule ${x.ruleIndex} is not ${x.ruleId}`);
    }
  }
  return wrong;
}
