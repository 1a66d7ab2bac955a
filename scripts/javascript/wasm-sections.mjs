// Reads a WebAssembly module as sections and writes it with other imports, exports and tables.
// Everything else, above all code, is copied byte for byte.

const SECTION = { type: 1, import: 2, function: 3, table: 4, export: 7, data: 11, dataCount: 12 };
const OPCODE = { end: 0x0b, i32Const: 0x41, i32Add: 0x6a };
const KIND = { func: 0, table: 1, memory: 2, global: 3 };
const TYPE_NAMES = { 127: 'i32', 126: 'i64', 125: 'f32', 124: 'f64' };

/**
 * @returns {{
 *   sections: {id: number, name?: string, payload: Buffer}[],
 *   imports: object[], exports: object[], tableMin: number
 * }}
 */
export function readModule(bytes) {
  const sections = [];
  let at = 8;
  while (at < bytes.length) {
    const id = bytes[at];
    const size = readU32(bytes, at + 1);
    sections.push({ id, payload: bytes.subarray(size.next, size.next + size.value) });
    at = size.next + size.value;
  }
  const payload = (id) => section({ sections }, id);
  const types = readVector(payload(SECTION.type), readType);
  const imports = readVector(payload(SECTION.import), (reader) => readImport(reader, types));
  const functions = [
    ...imports.filter(({ kind }) => kind === KIND.func).map(({ type }) => type),
    ...readVector(payload(SECTION.function), (reader) => types[reader.u32()]),
  ];
  const exports = readVector(payload(SECTION.export), (reader) => {
    const name = reader.text();
    const kind = reader.byte();
    const index = reader.u32();
    return { name, kind, index, type: kind === KIND.func ? functions[index] : undefined };
  });
  const [tableMin = 0] = readVector(payload(SECTION.table), (reader) => {
    reader.byte();
    const flags = reader.byte();
    const min = reader.u32();
    if (flags & 1) reader.u32();
    return min;
  });
  return { sections, imports, exports, tableMin, dylink: dylinkOf(sections) };
}

/** Returns the module with renamed imports: `rename(import)` returns `[module, name]`. */
export function withImports(module, rename) {
  const entries = module.imports.map((entry) => {
    const [from, name] = rename(entry);
    return Buffer.concat([text(from), text(name), entry.rest]);
  });
  return replace(module, SECTION.import, vector(entries));
}

/** Returns the module with the exports for which `rename` returns a name. */
export function withExports(module, rename) {
  const entries = module.exports.flatMap((entry) => {
    const name = rename(entry.name);
    return name === undefined ? [] : [Buffer.concat([text(name), Buffer.of(entry.kind), u32(entry.index)])];
  });
  return replace(module, SECTION.export, vector(entries));
}

/** Returns the module with a table of `min` entries. */
export function withTable(module, min) {
  return replace(module, SECTION.table, vector([Buffer.concat([Buffer.of(0x70, 0), u32(min)])]));
}

/**
 * Returns the module with plain constants as the offsets of data segments: sums of constants are an
 * extension that not all supported Node versions have. Drops the data count, which only segments
 * that are copied at run time need.
 */
export function withPlainData(module) {
  const segments = readVector(section(module, SECTION.data), (reader) => {
    const flags = reader.byte();
    if (flags !== 0) throw new Error(`a data segment has the flags ${flags}; only active ones are expected`);
    const offset = readConstant(reader);
    const size = reader.u32();
    const start = reader.at();
    reader.take(size);
    const at = Buffer.concat([Buffer.of(0, OPCODE.i32Const), s32(offset), Buffer.of(OPCODE.end)]);
    return Buffer.concat([at, u32(size), reader.since(start)]);
  });
  const sections = module.sections.filter(({ id }) => id !== SECTION.dataCount);
  return replace({ ...module, sections }, SECTION.data, vector(segments));
}

function readConstant(reader) {
  const stack = [];
  for (;;) {
    const opcode = reader.byte();
    if (opcode === OPCODE.i32Const) stack.push(reader.s32());
    else if (opcode === OPCODE.i32Add) stack.push((stack.pop() + stack.pop()) | 0);
    else if (opcode === OPCODE.end) return stack.pop();
    else throw new Error(`the opcode ${opcode} was not expected in a data segment's offset`);
  }
}

export function writeModule({ sections }) {
  const parts = sections
    .filter(({ id }) => id !== 0)
    .map(({ id, payload }) => Buffer.concat([Buffer.of(id), u32(payload.length), payload]));
  return Buffer.concat([Buffer.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), ...parts]);
}

export const isFunction = ({ kind }) => kind === KIND.func;

/** Formats a function type in WebAssembly's text format. */
export function showType({ params, results }) {
  const list = (word, types) => (types.length === 0 ? '' : ` (${word} ${types.join(' ')})`);
  return `${list('param', params)}${list('result', results)}`;
}

function section({ sections }, id) {
  return sections.find((entry) => entry.id === id)?.payload;
}

function replace(module, id, payload) {
  return {
    ...module,
    sections: module.sections.map((entry) => (entry.id === id ? { id, payload } : entry)),
  };
}

/** Returns what a position-independent module needs: bytes of memory and table entries. */
function dylinkOf(sections) {
  for (const { id, payload } of sections) {
    if (id !== 0) continue;
    const reader = readerOf(payload);
    if (reader.text() !== 'dylink.0') continue;
    while (!reader.done()) {
      const kind = reader.byte();
      const size = reader.u32();
      if (kind === 1) return { memory: reader.u32(), memoryAlign: reader.u32(), table: reader.u32() };
      reader.take(size);
    }
  }
  return undefined;
}

function readType(reader) {
  reader.byte();
  const params = reader.vector(() => TYPE_NAMES[reader.byte()]);
  const results = reader.vector(() => TYPE_NAMES[reader.byte()]);
  return { params, results };
}

function readImport(reader, types) {
  const module = reader.text();
  const name = reader.text();
  const start = reader.at();
  const kind = reader.byte();
  let type;
  if (kind === KIND.func) type = types[reader.u32()];
  else if (kind === KIND.global) reader.take(2);
  else {
    if (kind === KIND.table) reader.byte();
    const flags = reader.byte();
    reader.u32();
    if (flags & 1) reader.u32();
  }
  return { module, name, kind, type, rest: reader.since(start) };
}

function readVector(payload, read) {
  if (payload === undefined) return [];
  const reader = readerOf(payload);
  return reader.vector(() => read(reader));
}

function readerOf(bytes) {
  let at = 0;
  const u = () => {
    const { value, next } = readU32(bytes, at);
    at = next;
    return value;
  };
  return {
    at: () => at,
    done: () => at >= bytes.length,
    byte: () => bytes[at++],
    u32: u,
    s32: () => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++];
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return shift < 25 && byte & 0x40 ? value | (-1 << (shift + 7)) : value;
      }
    },
    take: (size) => {
      at += size;
    },
    since: (start) => bytes.subarray(start, at),
    text: () => {
      const size = u();
      at += size;
      return bytes.toString('utf8', at - size, at);
    },
    vector: (read) => Array.from({ length: u() }, read),
  };
}

function readU32(bytes, from) {
  let value = 0;
  let next = from;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[next++];
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next };
  }
}

function u32(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function s32(value) {
  const bytes = [];
  for (let rest = value; ; rest >>= 7) {
    const byte = rest & 0x7f;
    if (rest >> 6 === 0 || rest >> 6 === -1) return Buffer.from([...bytes, byte]);
    bytes.push(byte | 0x80);
  }
}

function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), bytes]);
}

function vector(entries) {
  return Buffer.concat([u32(entries.length), ...entries]);
}
