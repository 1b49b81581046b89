/** Checks a value against the part of JSON Schema that our schemas use; any other keyword is an error of the schema. */

type Schema = Record<string, unknown>;

/** What is wrong, one line each with the place; empty when the value conforms. */
export function schemaErrors(value: unknown, schema: Schema, root: Schema = schema, at = '$'): string[] {
  return Object.entries(schema).flatMap(([word, rule]) => {
    const check = RULES[word];
    if (!check) throw new Error(`json-schema: keyword ${word} is not known here`);
    return check({ value, rule, schema, root, at });
  });
}

interface Place {
  value: unknown;
  rule: unknown;
  schema: Schema;
  root: Schema;
  at: string;
}

const ok: string[] = [];
const fail = (p: Place, why: string): string[] => [
  `${p.at}: ${why}, not ${JSON.stringify(p.value)?.slice(0, 80)}`,
];
const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

function hasType(v: unknown, type: string): boolean {
  if (type === 'null') return v === null;
  if (type === 'array') return Array.isArray(v);
  if (type === 'object') return isObject(v);
  if (type === 'integer') return Number.isInteger(v);
  return typeof v === type;
}

const RULES: Record<string, (p: Place) => string[]> = {
  $schema: () => ok,
  $defs: () => ok,
  title: () => ok,
  description: () => ok,
  type: (p) => {
    const types = [p.rule].flat() as string[];
    return types.some((type) => hasType(p.value, type)) ? ok : fail(p, `${types} wanted`);
  },
  const: (p) => (p.value === p.rule ? ok : fail(p, `${p.rule} wanted`)),
  enum: (p) => ((p.rule as unknown[]).includes(p.value) ? ok : fail(p, `one of ${p.rule} wanted`)),
  pattern: (p) =>
    typeof p.value !== 'string' || new RegExp(p.rule as string, 'u').test(p.value)
      ? ok
      : fail(p, `${p.rule} wanted`),
  minimum: (p) =>
    typeof p.value !== 'number' || p.value >= (p.rule as number) ? ok : fail(p, `at least ${p.rule} wanted`),
  maximum: (p) =>
    typeof p.value !== 'number' || p.value <= (p.rule as number) ? ok : fail(p, `at most ${p.rule} wanted`),
  required: (p) =>
    isObject(p.value)
      ? (p.rule as string[]).filter((n) => !(n in (p.value as object))).flatMap((n) => fail(p, `${n} wanted`))
      : ok,
  properties: (p) => {
    const { value } = p;
    if (!isObject(value)) return ok;
    return Object.entries(p.rule as Record<string, Schema>)
      .filter(([name]) => name in value)
      .flatMap(([name, schema]) => schemaErrors(value[name], schema, p.root, `${p.at}.${name}`));
  },
  additionalProperties: (p) => {
    if (!isObject(p.value) || p.rule !== false) return ok;
    const known = Object.keys(p.schema['properties'] as object);
    return Object.keys(p.value).flatMap((n) => (known.includes(n) ? ok : [`${p.at}: unknown ${n}`]));
  },
  items: (p) =>
    Array.isArray(p.value)
      ? p.value.flatMap((v, i) => schemaErrors(v, p.rule as Schema, p.root, `${p.at}[${i}]`))
      : ok,
  minItems: (p) =>
    !Array.isArray(p.value) || p.value.length >= (p.rule as number) ? ok : fail(p, `${p.rule} items wanted`),
  allOf: (p) => (p.rule as Schema[]).flatMap((s) => schemaErrors(p.value, s, p.root, p.at)),
  $ref: (p) => {
    const name = /^#\/\$defs\/(\w+)$/.exec(p.rule as string)![1]!;
    return schemaErrors(p.value, (p.root['$defs'] as Record<string, Schema>)[name]!, p.root, p.at);
  },
};
