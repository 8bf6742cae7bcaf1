"""Named tensors in the files that tensors.mjs describes."""
import json
import struct

import numpy as np


def read_tensors(file):
    """{name: array}"""
    with open(file, 'rb') as stream:
        text = stream.read()
    length, = struct.unpack_from('<Q', text)
    start = 8 + length
    tensors = {}
    for row in json.loads(text[8:start]):
        at = start + row['offset']
        elements = np.frombuffer(text[at:at + row['bytes']], dtype=row['type'])
        tensors[row['name']] = elements.reshape(row['shape'])
    return tensors


def write_tensors(file, tensors):
    """tensors: [(name, array)]"""
    rows, elements, offset = [], [], 0
    for name, array in tensors:
        array = np.asarray(array)  # of a number without axes, too
        data = array.tobytes()  # row-major whatever its strides
        rows.append({'name': name, 'type': str(array.dtype), 'shape': list(array.shape), 'offset': offset,
                     'bytes': len(data)})
        elements.append(data)
        offset += len(data)
    header = json.dumps(rows).encode()
    with open(file, 'wb') as stream:
        stream.write(struct.pack('<Q', len(header)) + header + b''.join(elements))
