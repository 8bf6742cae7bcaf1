#!/usr/bin/env python3
"""Writes the small files of fuzz/corpus again: ordinary ones, and ones that once did harm.

    python3 fuzz/make_corpus.py
"""

import base64
import gzip
import io
import json
import pathlib
import struct
import zipfile
import zlib

CORPUS = pathlib.Path(__file__).parent / "corpus"


def save(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


# --- protobuf and ONNX ------------------------------------------------------------------------------


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def part(field, content):
    """A field with a message, text or bytes."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def number(field, value):
    return varint(field << 3) + varint(value)


def tensor(name, dims, kind, raw):
    return b"".join(number(1, d) for d in dims) + number(2, kind) + part(8, name) + part(9, raw)


def ints(name, values):
    return tensor(name, [len(values)], 7, struct.pack(f"<{len(values)}q", *values))


def floats(name, dims, values):
    return tensor(name, dims, 1, struct.pack(f"<{len(values)}f", *values))


def attribute(name, value):
    if isinstance(value, int):
        return part(1, name) + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return part(1, name) + part(4, value) + number(20, 3)
    if isinstance(value, list):
        return part(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)
    return part(1, name) + part(6, value) + number(20, 5)  # a graph


def node(kind, inputs, outputs, domain="", **attributes):
    return (b"".join(part(1, i) for i in inputs) + b"".join(part(2, o) for o in outputs) +
            part(3, outputs[0] + "_node") + part(4, kind) +
            b"".join(part(5, attribute(n, v)) for n, v in attributes.items()) +
            (part(7, domain) if domain else b""))


def value(name, dims, kind=1):
    shape = b"".join(part(1, number(1, d) if isinstance(d, int) else part(2, d)) for d in dims)
    return part(1, name) + part(2, part(1, number(1, kind) + part(2, shape)))


def graph(nodes, inputs, outputs, tensors=()):
    return (b"".join(part(1, n) for n in nodes) + part(2, "net") +
            b"".join(part(5, t) for t in tensors) + b"".join(part(11, i) for i in inputs) +
            b"".join(part(12, o) for o in outputs))


def model(body, opset=13, functions=()):
    return (number(1, 8) + part(7, body) + part(8, number(2, opset)) +
            part(8, part(1, "local") + number(2, 1)) + b"".join(part(25, f) for f in functions))


def function(name, nodes, output="b"):
    return (part(1, name) + part(4, "a") + part(5, output) + b"".join(part(7, n) for n in nodes) +
            part(9, number(2, 13)) + part(9, part(1, "local") + number(2, 1)) + part(10, "local"))


def with_constant(nodes, tensors=(), last="c"):
    """x + the sum of a constant."""
    return model(graph([*nodes, node("ReduceSum", [last], ["s"], keepdims=0),
                        node("Add", ["x", "s"], ["y"])],
                       [value("x", ["N", 1])], [value("y", ["N", 1])], tensors))


def small_network():
    weights = floats("w", [2, 1, 3, 3], [0.1 * i for i in range(18)])
    return model(graph([node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["b"]),
                        node("Flatten", ["b"], ["f"]), node("Gemm", ["f", "g"], ["y"], transB=1)],
                       [value("x", ["N", 1, 4, 4])], [value("y", ["N", 3])],
                       [weights, floats("g", [3, 32], [0.01] * 96)]))


def nested_ifs(depth):
    plain = body = graph([node("Neg", ["x"], ["y"])], [], [value("y", [1])])
    for _ in range(depth):
        choice = node("If", ["k"], ["y"], then_branch=body, else_branch=plain)
        body = graph([choice], [], [value("y", [1])])
    return model(graph([node("If", ["k"], ["y"], then_branch=body, else_branch=plain)],
                       [value("x", [1]), value("k", [], 9)], [value("y", [1])]))


def calls_that_multiply(levels):
    functions = [function("f0", [node("Neg", ["a"], ["b"])])]
    for i in range(1, levels):
        functions.append(function(f"f{i}", [
            node(f"f{i - 1}", ["a"], ["t"], "local"), node(f"f{i - 1}", ["t"], ["b"], "local")]))
    return model(graph([node(f"f{levels - 1}", ["x"], ["y"], "local")], [value("x", [1])],
                       [value("y", [1])]), functions=functions)


def network_files():
    doubling = [node("ConstantOfShape", ["n"], ["c0"])]
    doubling += [node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(24)]
    loop_body = graph([node("Identity", ["go"], ["again"]), node("Add", ["v", "v"], ["w"])],
                      [value("i", [], 7), value("go", [], 9), value("v", [1])],
                      [value("again", [], 9), value("w", [1])])
    big = ints("n", [1 << 30])
    return {
        "small.onnx": small_network(),
        "if.onnx": nested_ifs(2),
        "nested.onnx": nested_ifs(20),
        "call.onnx": calls_that_multiply(3),
        "calls.onnx": calls_that_multiply(28),
        "zeros.onnx": with_constant([node("ConstantOfShape", ["n"], ["z"]), node("Neg", ["z"], ["c"])], [big]),
        "tile.onnx": with_constant([node("ConstantOfShape", ["m"], ["z"]), node("Tile", ["z", "n"], ["t"]),
                                    node("Neg", ["t"], ["c"])], [ints("m", [1000]), ints("n", [1 << 20])]),
        "pad.onnx": with_constant([node("ConstantOfShape", ["m"], ["z"]), node("Pad", ["z", "p"], ["c"])],
                                  [ints("m", [1]), ints("p", [1 << 30, 0])]),
        "expand.onnx": with_constant([node("ConstantOfShape", ["m"], ["z"]), node("Expand", ["z", "n"], ["e"]),
                                      node("Neg", ["e"], ["c"])], [ints("m", [1]), big]),
        "concat.onnx": with_constant(doubling, [ints("n", [1024])], "c24"),
        "resize.onnx": with_constant([node("ConstantOfShape", ["m"], ["z"]),
                                      node("Resize", ["z", "", "", "n"], ["c"], mode="nearest")],
                                     [ints("m", [1, 1, 1, 2]), ints("n", [1, 1, 1, 1 << 30])]),
        "gather.onnx": with_constant([node("ConstantOfShape", ["m"], ["z"]), node("ConstantOfShape", ["k"], ["i"]),
                                      node("Cast", ["i"], ["j"], to=7), node("Gather", ["z", "j"], ["c"], axis=0)],
                                     [ints("m", [1, 1 << 20]), ints("k", [4096])]),
        "loop.onnx": with_constant([node("Loop", ["t", "", "v0"], ["c"], body=loop_body)],
                                   [tensor("t", [], 7, struct.pack("<q", 1 << 40)), floats("v0", [1], [1.0])]),
        "extent.onnx": model(graph([node("Neg", ["w"], ["y"])], [], [value("y", [1])],
                                   [tensor("w", [1 << 40], 1, b"1234")])),
        "external.onnx": model(graph([node("Neg", ["w"], ["y"])], [], [value("y", [1])],
                                     [number(1, 4) + number(2, 1) + part(8, "w") +
                                      part(13, part(1, "location") + part(2, "../data")) + number(14, 1)])),
        "empty-nodes.onnx": model(part(1, b"") * 300),
        "cut.onnx": small_network()[:150],
    }


# --- samples ------------------------------------------------------------------------------------------


def npy(descr, shape, raw, order="False"):
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + raw


def npz(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def array_files():
    pixels = npy("<f4", "(2, 1, 2, 2)", struct.pack("<8f", *range(8)))
    idx = b"\0\0\x08\x03" + struct.pack(">3I", 2, 2, 2) + bytes(range(8))
    claims = bytearray(npz({"x.npy": pixels}))
    at = claims.find(b"PK\x01\x02")
    claims[at + 24:at + 28] = b"\xff\xff\xff\x7f"
    return {
        "x.npy": pixels,
        "labelled.npz": npz({"x.npy": pixels, "y.npy": npy("<i8", "(2,)", struct.pack("<2q", 0, 1))}),
        "stored.npz": npz({"x.npy": pixels}, zipfile.ZIP_STORED),
        "one-hot.npz": npz({"x.npy": pixels, "y.npy": npy("|u1", "(2, 3)", bytes([1, 0, 0, 0, 0, 1]))}),
        "texts.npz": npz({"x.npy": pixels, "y.npy": npy("|S1", "(2,)", b"01")}),
        "claims.npz": bytes(claims),
        "unused.npz": npz({"x.npy": pixels, "other.npy": b"\x80pickle"}),
        "images.idx": idx,
        "images.idx.gz": gzip.compress(idx, 9, mtime=0),
        "huge.idx": b"\0\0\x08\x04" + struct.pack(">4I", *([0xffffffff] * 4)),
        "cifar.bin": b"\x03" + bytes(3072),
        "cut.npz": npz({"x.npy": pixels})[:60],
    }


def npy_files():
    return {
        "float32.npy": npy("<f4", "(2, 3)", struct.pack("<6f", *range(6))),
        "fortran.npy": npy(">i2", "(2, 3)", struct.pack(">6h", *range(6)), "True"),
        "bool.npy": npy("|b1", "(3,)", b"\0\1\2"),
        "scalar.npy": npy("<f8", "()", struct.pack("<d", 1.5)),
        "text.npy": npy("<U2", "(2,)", "ab".encode("utf-32-le") + "c\0".encode("utf-32-le")),
        "huge.npy": npy("<f4", "(4294967296, 4294967296)", b"1234"),
        "negative.npy": npy("<f4", "(-1,)", b"1234"),
        "object.npy": npy("|O", "(1,)", b"\x80\x04."),
    }


def png(width, height, kind=2, depth=8, raw=None, chunks=()):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    raw = raw if raw is not None else (b"\0" + b"\x40\x80\xc0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunk(*c) for c in chunks) +
            chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def bmp(width, height, depth, rows, declared=None):
    header = struct.pack("<IiiHHIIiiII", 40, *(declared or (width, height)), 1, depth, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + header + rows


def tiff(width, height, raw):
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(raw))]
    raw += b"\0" * (len(raw) % 2)
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(raw)) + raw + directory + struct.pack("<I", 0)


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////"
    "////////////////////////wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAA"
    "AAD/2gAIAQEAAD8AVN//2Q==")
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")


def image_files():
    wide = bytearray(JPEG)
    at = wide.find(b"\xff\xc0") + 5
    wide[at:at + 4] = b"\xff\xff\xff\xff"
    return {
        "small.png": png(3, 2),
        "gray16.png": png(2, 2, 0, 16, (b"\0" + b"\1\2\3\4") * 2),
        "bomb.png": png(60000, 60000, raw=b""),
        "line.png": png(9000, 1, 0, 8, b"\0" + bytes(9000)),
        "texts.png": png(1, 1, chunks=[(b"zTXt", b"a\0\0" + zlib.compress(bytes(100000), 9))] * 3),
        "small.bmp": bmp(2, 2, 24, bytes(range(16))),
        "bits.bmp": bmp(8, 1, 1, b"\x0f\0\0\0" + b"\0\0\0\0\xff\xff\xff\0"),
        "bomb.bmp": bmp(1, 1, 24, bytes(4), (2147483647, 2147483647)),
        "small.tif": tiff(3, 2, bytes(range(6))),
        "bomb.tif": tiff(60000, 60000, bytes(6)),
        "small.jpg": JPEG,
        "bomb.jpg": bytes(wide),
        "small.webp": WEBP,
        "cut.png": png(3, 2)[:50],
    }


# --- JSON and text ----------------------------------------------------------------------------------


def deep(levels, inside="0"):
    return "[" * levels + inside + "]" * levels


def json_files():
    layers = [{"name": "conv", "weight_bits": 4, "activation_bits": 8},
              {"name": "fc", "weight_bits": "float", "activation_bits": "float"}]
    allocation = {"format": "ompq-allocation/2", "layers": layers}
    preprocess = {"format": "ompq-preprocess/1", "channels": "rgb", "scale": 1 / 255, "mean": [0.5],
                  "std": [0.25], "resize": 8, "crop": [4, 6], "interpolation": "bicubic"}
    processor = {"image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"shortest_edge": 224},
                 "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
                 "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    head = json.dumps({"format": "ompq-journal/2", "fingerprint": "fingerprint"}, separators=(",", ":"))
    unit = '{"key":"widths","value":{"weights":[8,8]}}'
    result = {"format": "ompq-search/2", "model": {"file": "a.onnx"}, "layers": [], "allocations": []}
    evaluated = {"format": "ompq-eval/1", "model": {"file": "a.onnx"}, "networks": []}
    return {
        "allocation": {
            "bits.json": json.dumps(allocation),
            "first.json": json.dumps({**allocation, "format": "ompq-allocation/1"}),
            "unknown.json": json.dumps({**allocation, "layers": [{"name": "cnov", "weight_bits": 99}]}),
            "deep.json": '{"format":"ompq-allocation/2","layers":[{"name":"conv","weight_bits":' + deep(500) + "}]}",
            "number.json": '{"format":"ompq-allocation/2","layers":[{"name":"conv","weight_bits":1e400}]}',
        },
        "preprocess": {
            "own.json": json.dumps(preprocess),
            "processor.json": json.dumps(processor),
            "timm.json": json.dumps({"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.9,
                                                        "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5],
                                                        "std": [0.5, 0.5, 0.5]}}),
            "huge.json": json.dumps({**preprocess, "resize": [1 << 40, 1 << 40]}),
            "deep.json": '{"format":"ompq-preprocess/1","scale":' + deep(500) + "}",
            "inside.json": '{"pretrained_cfg":' * 60 + "{}" + "}" * 60,
        },
        "journal": {
            "resumed.journal": head + "\n" + unit + "\n",
            "other.journal": head.replace('"fingerprint"}', '"another"}') + "\n" + unit + "\n",
            "cut.journal": head + "\n" + unit + "\n" + unit[:20],
            "deep.journal": head + "\n" + '{"key":"widths","value":' + deep(500) + "}\n",
            "null.journal": head + "\n" + '{"key":"widths","value":null}\n',
            "empty.journal": "",
            "older.journal": '{"format":"ompq-journal/1"}\n',
        },
        "result": {
            "search.json": json.dumps(result),
            "eval.json": json.dumps(evaluated),
            "script.json": json.dumps({**result, "model": {"file": "</script><script>"}}),
            "deep.json": '{"format":"ompq-search/2","model":{"file":' + deep(500) + "}}",
            "swapped.json": json.dumps({**result, "model": [], "layers": {}}),
        },
        "labels": {
            "labels.csv": "file,label\na.png,0\n\"b, c.png\",1\n",
            "large.csv": "a.png,99999999999\nb.png,-1\n",
            "columns.csv": "a.png,1,2\n",
            "mark.csv": "\ufefffile,label\n",
            "quotes.csv": '"""a""",1\n"open,2\n',
        },
        "latencies": {
            "latencies.csv": "layer,weight_bits,activation_bits,microseconds\nconv,8,8,1.5\nfc,float,float,2\n",
            "wrong.csv": "layer,weight_bits,activation_bits,microseconds\nconv,9,8,nan\n\"c\"\"\",1,1,1e999\n",
            "empty.csv": "",
        },
    }


def checkpoint_files():
    magic = (pathlib.Path(__file__).parent.parent / "tests/qat/finetune-0.1.0.checkpoint").read_bytes()
    return {
        "whole.checkpoint": magic[:-32] if len(magic) < 4000 else magic[:400],
        "empty.checkpoint": b"",
        "cut.checkpoint": magic[:40],
    }


def main():
    for name, data in network_files().items():
        save("importer", name, data)
        save("folding", name, data)
    for target, files in {"arrays": array_files(), "npy": npy_files(), "image": image_files(),
                          "checkpoint": checkpoint_files(), **json_files()}.items():
        for name, data in files.items():
            save(target, name, data)


if __name__ == "__main__":
    main()
