// Named tensors in a file that any language reads in ten lines:
// 8 bytes little-endian length of the header, the header as JSON
// [{"name", "type", "shape", "offset", "bytes"}], then the elements, offsets counted from after the header.
// Arrays in .npz files (stored or deflated, no zip64) are read too.
import { readFileSync, writeFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const NPY_TYPES = {
  '<f4': 'float32', '<f8': 'float64', '|u1': 'uint8', '|i1': 'int8', '<u2': 'uint16', '<i2': 'int16',
  '<i4': 'int32', '<u4': 'uint32', '<i8': 'int64', '<u8': 'uint64', '|b1': 'bool',
};

function readPacked(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  return header.map(({ name, type, shape, offset, bytes: size }) => {
    const start = 8 + length + offset;
    return { name, type, shape, data: bytes.subarray(start, start + size) };
  });
}

function readNpy(name, bytes) {
  const wide = bytes[6] >= 2;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = wide ? 12 : 10;
  const header = bytes.toString('latin1', start, start + length);
  const type = NPY_TYPES[/'descr':\s*'([^']+)'/.exec(header)[1]];
  if (!type) throw new Error(`array '${name}' has an element type that is not read: ${header}`);
  if (/'fortran_order':\s*True/.test(header)) throw new Error(`array '${name}' is in Fortran order`);
  const extents = /'shape':\s*\(([^)]*)\)/.exec(header)[1];
  const shape = extents.split(',').map((part) => part.trim()).filter(Boolean).map(Number);
  return { name, type, shape, data: bytes.subarray(start + length) };
}

function readNpz(bytes) {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const count = bytes.readUInt16LE(end + 10);
  const tensors = [];
  for (let entry = bytes.readUInt32LE(end + 16), i = 0; i < count; ++i) {
    const method = bytes.readUInt16LE(entry + 10);
    const size = bytes.readUInt32LE(entry + 20);
    const nameLength = bytes.readUInt16LE(entry + 28);
    const local = bytes.readUInt32LE(entry + 42);
    const name = bytes.toString('utf8', entry + 46, entry + 46 + nameLength).replace(/\.npy$/, '');
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(start, start + size);
    tensors.push(readNpy(name, method === 8 ? inflateRawSync(stored) : stored));
    entry += 46 + nameLength + bytes.readUInt16LE(entry + 30) + bytes.readUInt16LE(entry + 32);
  }
  return tensors;
}

/** [{name, type, shape, data: Buffer}] */
export function readTensors(file) {
  const bytes = readFileSync(file);
  return file.endsWith('.npz') ? readNpz(bytes) : readPacked(bytes);
}

/** @param tensors [{name, type, shape, data: Buffer}] */
export function writeTensors(file, tensors) {
  let offset = 0;
  const rows = tensors.map(({ name, type, shape, data }) => {
    const row = { name, type, shape, offset, bytes: data.length };
    offset += data.length;
    return row;
  });
  const header = Buffer.from(JSON.stringify(rows));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, header, ...tensors.map((tensor) => tensor.data)]));
}
