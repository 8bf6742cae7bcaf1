"""Assembles the wheel from an installation of ompq (`make wheel` builds that first).

    python3 packaging/make_wheel.py INSTALLED_PREFIX PYTHON_FOLDER TORCH_FOLDER DIST_FOLDER

INSTALLED_PREFIX has bin/ompq, lib/ompq and share; PYTHON_FOLDER has the package ompq/; TORCH_FOLDER has LibTorch's lib/ and
LICENSE. The libraries that they need are copied into the wheel, but for those that every Linux system has. Each bundled file
must be in bundled.json with its licence, which also lists the projects whose code or data are inside files of ompq. The same
input gives the same bytes.

Layout: the program in scripts/, everything else that is no Python below data/, where an installation has lib/ompq and share/.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAG = "py3-none-manylinux_2_34_x86_64"
# Those that manylinux allows a wheel to need from the system.
OF_THE_SYSTEM = {
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1",
    "libstdc++.so.6",
}  # fmt: skip
OPENMP = "libgomp.so.1"
EPOCH = (1980, 1, 1, 0, 0, 0)


def fail(message: str) -> None:
    sys.exit(f"make_wheel: {message}")


def output_of(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def needed_by(file: Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "--dynamic", "--wide", file))


def version_of_project() -> str:
    found = re.search(r"project\(ompq VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    return found.group(1) if found else fail("CMakeLists.txt states no version")


def installed_libraries() -> dict[str, Path]:
    """Paths by name, as the loader finds them."""
    found = {}
    for name, path in re.findall(r"^\s+(\S+) \(libc6,x86-64.*\) => (\S+)$", output_of("ldconfig", "-p"), re.MULTILINE):
        found.setdefault(name, Path(path))
    return found


def is_elf(file: Path) -> bool:
    with open(file, "rb") as stream:
        return stream.read(4) == b"\x7fELF"


def openmp_of(torch: Path) -> str:
    """The file name of LibTorch's OpenMP runtime."""
    return next(path.name for path in (torch / "lib").iterdir() if re.fullmatch(r"libgomp-.*\.so\.1", path.name))


def copy_libraries(program: Path, folder: Path, torch: Path) -> None:
    """Copies what the program and the libraries in `folder` need into it."""
    openmp = openmp_of(torch)
    installed = installed_libraries()
    waiting = [program, *folder.iterdir()]
    while waiting:
        for name in needed_by(waiting.pop()):
            name = openmp if name == OPENMP else name
            target = folder / name
            if name in OF_THE_SYSTEM or target.exists():
                continue
            source = torch / "lib" / name
            if not source.exists():
                source = installed.get(name) or fail(f"{name} is not installed")
            shutil.copyfile(source, target)
            target.chmod(0o755)
            waiting.append(target)


def relocate(file: Path, runpath: str, openmp: str) -> None:
    """Makes the file find its libraries, and all the same OpenMP runtime."""
    output_of("patchelf", "--replace-needed", OPENMP, openmp, file)  # nothing, where it needs none
    output_of("patchelf", "--set-rpath", runpath, file)


def licences(files: list[str], target: Path, torch: Path) -> list[dict]:
    """Copies the licence of each bundled file to `target`; returns the rows of the table."""
    known = json.loads((ROOT / "packaging" / "bundled.json").read_text())
    rows = []
    for name in sorted(files):
        row = known["files"].get(name) or fail(f"{name} is bundled, but not in bundled.json")
        if row["license"] not in known["allowed"]:
            fail(f"the licence of {name}, {row['license']}, is not allowed in the wheel")
        of_torch = f"of PyTorch {(torch / 'installed.txt').read_text().strip()}"
        if "package" in row:
            source, text = Path("/usr/share/doc", row["package"], "copyright"), f"{row['package']}.txt"
            version = output_of("dpkg-query", "--show", "--showformat=${Version}", row["package"])
        elif row["text"].startswith("torch/"):
            source, version, text = torch / "LICENSE", of_torch.split()[-1], "pytorch.txt"
        else:
            source, version, text = ROOT / row["text"], version_of_project(), "LICENSE"
        if row.get("from") == "torch":  # built by others than the package that has the same licence
            version = of_torch
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / text)
        for more, copied in row.get("more", {}).items():  # of what is linked into it
            shutil.copyfile(torch / more.removeprefix("torch/"), target / copied)
            text += f", {copied}"
        rows.append({"file": name, "project": row["project"], "version": version, "license": row["license"], "text": text})
    return rows


def licences_inside(target: Path) -> list[dict]:
    """Copies the licences of what is compiled or copied into files of ompq; returns the rows of the table."""
    known = json.loads((ROOT / "packaging" / "bundled.json").read_text())
    rows = []
    for row in known["inside"]:
        if row["license"] not in known["allowed"]:
            fail(f"the licence of {row['project']}, {row['license']}, is not allowed in the wheel")
        if "package" in row:
            source, text = Path("/usr/share/doc", row["package"], "copyright"), f"{row['package']}.txt"
            version = output_of("dpkg-query", "--show", "--showformat=${Version}", row["package"])
        else:
            folder = ROOT / "web" / "node_modules" / row["npm"]
            source, text = folder / row.get("text", "LICENSE"), f"{row['npm']}.txt"
            version = json.loads((folder / "package.json").read_text())["version"]
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / text)
        if (notice := source.with_name("NOTICE")).exists():  # which the Apache licence asks for
            shutil.copyfile(notice, target / f"{row['npm']}-NOTICE.txt")
            text += f", {row['npm']}-NOTICE.txt"
        rows.append({"in": row["in"], "project": row["project"], "version": version, "license": row["license"], "text": text})
    return rows


def metadata(version: str) -> str:
    readme = (ROOT / "README.md").read_text()
    return f"""Metadata-Version: 2.4
Name: ompq
Version: {version}
Summary: Mixed-precision quantization of ONNX networks under a budget
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.9
Provides-Extra: numpy
Requires-Dist: numpy; extra == "numpy"
Keywords: quantization,onnx,mixed precision
Description-Content-Type: text/markdown

{readme}"""


def write_wheel(tree: Path, info: str, file: Path) -> None:
    """A zip file with RECORD, in sorted order and without times."""
    record = []
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            name = path.relative_to(tree).as_posix()
            content = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}")
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            archive.writestr(entry, content, compresslevel=9)
        entry = zipfile.ZipInfo(f"{info}/RECORD", EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, "\n".join([*record, f"{info}/RECORD,,", ""]), compresslevel=9)


def main() -> int:
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    prefix, python, torch, dist = map(Path, sys.argv[1:])
    version = version_of_project()
    data, info = f"ompq-{version}.data", f"ompq-{version}.dist-info"
    with tempfile.TemporaryDirectory(prefix="ompq-wheel-") as folder:
        tree = Path(folder)
        program = tree / data / "scripts" / "ompq"
        libraries = tree / data / "data" / "lib" / "ompq"
        program.parent.mkdir(parents=True)
        shutil.copy(prefix / "bin" / "ompq", program)
        shutil.copytree(prefix / "lib" / "ompq", libraries)
        shutil.copytree(prefix / "share", tree / data / "data" / "share", ignore=shutil.ignore_patterns("doc"))
        shutil.copytree(python / "ompq", tree / "ompq", ignore=shutil.ignore_patterns("__pycache__"))
        copy_libraries(program, libraries, torch)
        for file in libraries.iterdir():
            if not (torch / "lib" / file.name).exists():  # LibTorch finds its own
                relocate(file, "$ORIGIN", openmp_of(torch))
        relocate(program, "$ORIGIN/../lib/ompq", openmp_of(torch))
        for file in (program, *libraries.iterdir()):
            output_of("strip", "--strip-unneeded", file)
        bundled = [file.name for file in tree.rglob("*") if file.is_file() and is_elf(file)]
        rows = licences(bundled, tree / info / "licenses", torch)
        rows += licences_inside(tree / info / "licenses")
        (tree / info / "METADATA").write_text(metadata(version))
        (tree / info / "WHEEL").write_text(
            f"Wheel-Version: 1.0\nGenerator: make_wheel\nRoot-Is-Purelib: false\nTag: {TAG}\n"
        )
        (tree / info / "bundled.json").write_text(json.dumps(rows, indent=1) + "\n")
        dist.mkdir(parents=True, exist_ok=True)
        wheel = dist / f"ompq-{version}-{TAG}.whl"
        write_wheel(tree, info, wheel)
        unpacked = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    print(f"{'file':36} {'project':24} {'version':24} licence")
    for row in rows:
        name = row.get("file") or f"in {row['in']}"
        print(f"{name:36} {row['project']:24} {row['version']:24} {row['license']}")
    print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB, {unpacked / 1e6:.1f} MB unpacked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
