/**
 * Layouts of structures in shared memory, declared once: offsets for the code, a table for the documentation.
 *
 * Fields are laid out in the order given, each at the next multiple of its own alignment, as a C compiler for a
 * 64-bit machine would.
 */

const SCALAR_SIZE = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 } as const;

export type ScalarType = keyof typeof SCALAR_SIZE;
/** A scalar, or an array of a fixed number of them: `'u8[16]'`. */
export type FieldType = ScalarType | `${ScalarType}[${number}]`;

/** A field with what its reader must know: who may write it, or what protects it, and what it means. */
export interface FieldSpec {
  type: FieldType;
  owner?: string;
  note?: string;
}

export interface Field {
  name: string;
  type: FieldType;
  /** Bytes from the start of the structure. */
  offset: number;
  /** Bytes. */
  size: number;
  owner: string;
  note: string;
}

export interface Layout<K extends string = string> {
  name: string;
  /** Bytes, padded to a multiple of `align`. */
  size: number;
  /** Bytes: the strictest alignment among the fields, or the one asked for. */
  align: number;
  fields: readonly Field[];
  /** Byte offset of each field. */
  offset: Readonly<Record<K, number>>;
  /** Offset of a field in 32-bit words, for an Int32Array. Throws RangeError when it is not 4-byte aligned. */
  word(field: K): number;
  /** Size in 32-bit words, rounded up. */
  words: number;
}

/**
 * Lays out a structure. `options.align` raises its alignment (a power of two, in bytes), for instance to a cache
 * line. Throws RangeError on an unknown type, an empty array or an alignment that is no power of two.
 */
export function defineLayout<const F extends Record<string, FieldType | FieldSpec>>(
  name: string,
  declared: F,
  options: { align?: number } = {},
): Layout<keyof F & string> {
  const fields: Field[] = [];
  const offset: Record<string, number> = {};
  let align = options.align ?? 1;
  if (align < 1 || (align & (align - 1)) !== 0) throw new RangeError(`${name}: alignment ${align}`);
  let end = 0;
  for (const [field, spec] of Object.entries(declared)) {
    // JavaScript moves keys that look like indices to the front, which would silently reorder the structure.
    if (/^\d/.test(field)) throw new RangeError(`${name}.${field}: a field name starts with a letter`);
    const { type, owner = '', note = '' } = typeof spec === 'string' ? { type: spec } : spec;
    const { unit, count } = parseType(name, field, type);
    const at = roundUp(end, unit);
    fields.push({ name: field, type, offset: at, size: unit * count, owner, note });
    offset[field] = at;
    end = at + unit * count;
    align = Math.max(align, unit);
  }
  const size = roundUp(end, align);
  return {
    name,
    size,
    align,
    fields,
    offset: offset as Record<keyof F & string, number>,
    words: Math.ceil(size / 4),
    word(field) {
      const at = offset[field];
      if (at === undefined || at % 4 !== 0) throw new RangeError(`${name}.${field} does not start a word`);
      return at / 4;
    },
  };
}

/** The structure as a Markdown table, one row per field, offsets in bytes. */
export function layoutTable(def: Layout): string {
  const rows = def.fields.map((f) => [String(f.offset), f.name, f.type, f.owner, f.note]);
  const head = ['offset', 'field', 'type', 'owner, protection', 'meaning'];
  const line = (cells: string[]) => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `**${def.name}**: ${def.size} bytes, aligned to ${def.align}`,
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    '',
  ].join('\n');
}

function parseType(name: string, field: string, type: FieldType): { unit: number; count: number } {
  const match = /^([uif]\d+)(?:\[(\d+)\])?$/.exec(type);
  const unit = match && Object.hasOwn(SCALAR_SIZE, match[1]!) ? SCALAR_SIZE[match[1] as ScalarType] : 0;
  const count = match?.[2] === undefined ? 1 : Number(match[2]);
  if (unit === 0 || count === 0) throw new RangeError(`${name}.${field}: unknown type '${type}'`);
  return { unit, count };
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
