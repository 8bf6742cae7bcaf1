"""What a wheel contains: every bundled file with its licence, and the same bytes each time."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import make_wheel
import pytest

SOURCE = Path(os.environ["OMPQ_SOURCE"])
TABLE = json.loads((SOURCE / "packaging" / "bundled.json").read_text())


def torch_folder(folder: Path) -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "LICENSE").write_text("the licence")
    (folder / "LICENSE.oneMKL").write_text("Intel's licence")
    (folder / "installed.txt").write_text("2.7.1\n")
    return folder


def of_debian_12() -> bool:
    return "VERSION_CODENAME=bookworm" in Path("/etc/os-release").read_text()


def test_every_licence_of_the_table_is_allowed():
    for name, row in TABLE["files"].items():
        assert row["license"] in TABLE["allowed"], name
        assert ("package" in row) != ("text" in row), name
    for row in TABLE["inside"]:
        assert row["license"] in TABLE["allowed"], row
        assert ("package" in row) != ("npm" in row), row


@pytest.mark.skipif(not of_debian_12(), reason="the wheel is built on Debian 12")
def test_the_table_has_every_project_that_is_compiled_into_the_engine():
    sources = [path for room in ("src", "apps", "include") for path in (SOURCE / room).rglob("*") if path.suffix in (".h", ".cpp")]
    includes = {found for path in sources for found in re.findall(r"^#include <(spdlog|CLI|nlohmann)/", path.read_text(), re.M)}
    header_only = {"spdlog": "spdlog", "CLI": "CLI11", "nlohmann": "JSON for Modern C++"}
    used = {header_only[name] for name in includes}
    modules = json.loads((SOURCE / "web" / "package-lock.json").read_text())["packages"]
    bundled = {name.removeprefix("node_modules/") for name, of in modules.items() if name and not of.get("dev")}
    assert used <= {row["project"] for row in TABLE["inside"]}
    assert bundled == {row["npm"] for row in TABLE["inside"] if "npm" in row}


def test_nothing_under_the_gpl_or_nvidias_licence_is_allowed():
    for licence in TABLE["allowed"]:
        assert not licence.startswith(("GPL", "AGPL")) or "WITH GCC-exception" in licence, licence
        assert "NVIDIA" not in licence.upper()


@pytest.mark.skipif(not of_debian_12(), reason="the wheel is built on Debian 12; libraries of other releases have other names")
@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is missing")
def test_the_table_has_every_library_that_the_engine_needs():
    elsewhere = make_wheel.OF_THE_SYSTEM | {make_wheel.OPENMP, "libtiff.so.6", "libspdlog.so.1.10"}
    needed = [name for name in make_wheel.needed_by(Path(os.environ["OMPQ_ENGINE"])) if name not in elsewhere]
    assert "libdnnl.so.2" in needed
    for name in needed:
        if not name.startswith(("libtorch", "libc10")):  # Debian's have other names
            assert name in TABLE["files"], name


def test_the_documentation_lists_every_project_with_its_licence():
    lines = (SOURCE / "docs" / "install.md").read_text().splitlines()
    for row in [*TABLE["files"].values(), *TABLE["inside"]]:
        start = f"| {row['project']} | {row['license']} |"
        assert any(line.startswith(start) for line in lines), start


def test_a_file_without_a_licence_ends_the_build(tmp_path):
    with pytest.raises(SystemExit, match="libnew.so.1 is bundled, but not in bundled.json"):
        make_wheel.licences(["libnew.so.1"], tmp_path, torch_folder(tmp_path / "torch"))


def test_a_licence_that_is_not_allowed_ends_the_build(tmp_path, monkeypatch):
    (tmp_path / "packaging").mkdir()
    table = {"allowed": ["MIT"], "files": {"libx.so": {"project": "x", "license": "GPL-2.0-only", "text": "LICENSE"}}}
    (tmp_path / "packaging" / "bundled.json").write_text(json.dumps(table))
    monkeypatch.setattr(make_wheel, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="licence of libx.so, GPL-2.0-only, is not allowed"):
        make_wheel.licences(["libx.so"], tmp_path / "out", torch_folder(tmp_path / "torch"))


def test_licences_are_copied_and_listed(tmp_path):
    rows = make_wheel.licences(
        ["libc10.so", "libtorch_cpu.so", "ompq"], tmp_path / "out", torch_folder(tmp_path / "torch")
    )
    assert [row["file"] for row in rows] == ["libc10.so", "libtorch_cpu.so", "ompq"]
    assert rows[0]["version"] == "2.7.1"
    assert rows[1]["text"] == "pytorch.txt, onemkl.txt"
    for row in rows:
        for text in row["text"].split(", "):
            assert (tmp_path / "out" / text).stat().st_size > 0


def small_tree(folder: Path) -> Path:
    program = folder / "ompq-1.data" / "scripts" / "ompq"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF" * 1000)
    program.chmod(0o755)
    (folder / "ompq").mkdir()
    (folder / "ompq" / "__init__.py").write_text("x = 1\n")
    return folder


def test_the_same_files_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        make_wheel.write_wheel(small_tree(tmp_path / name), "ompq-1.dist-info", tmp_path / f"{name}.whl")
    assert (tmp_path / "first.whl").read_bytes() == (tmp_path / "second.whl").read_bytes()


def test_record_has_every_file_and_modes_are_kept(tmp_path):
    make_wheel.write_wheel(small_tree(tmp_path / "tree"), "ompq-1.dist-info", tmp_path / "x.whl")
    with zipfile.ZipFile(tmp_path / "x.whl") as archive:
        record = archive.read("ompq-1.dist-info/RECORD").decode().splitlines()
        rows = dict(line.split(",", 1) for line in record)
        assert set(rows) == set(archive.namelist())
        content = archive.read("ompq/__init__.py")
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert rows["ompq/__init__.py"] == f"sha256={digest},{len(content)}"
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        assert modes["ompq-1.data/scripts/ompq"] == 0o100755
        assert modes["ompq/__init__.py"] == 0o100644


def built_wheel() -> Path:
    found = sorted((SOURCE / "dist").glob("ompq-*.whl"), key=lambda path: path.stat().st_mtime)
    if not found:
        pytest.skip("there is no wheel; make wheel builds one")
    return found[-1]


def test_the_built_wheel_is_small_and_lists_what_it_contains():
    wheel = built_wheel()
    assert wheel.stat().st_size <= 135e6
    with zipfile.ZipFile(wheel) as archive:
        listed = json.loads(archive.read(next(n for n in archive.namelist() if n.endswith(".dist-info/bundled.json"))))
        binaries = [name for name in archive.namelist() if archive.open(name).read(4) == b"\x7fELF"]
        assert sorted(row["file"] for row in listed if "file" in row) == sorted(Path(name).name for name in binaries)
        for row in listed:
            for text in row["text"].split(", "):
                assert archive.read(next(n for n in archive.namelist() if n.endswith(f".dist-info/licenses/{text}"))), row
        assert len([name for name in binaries if "gomp" in name]) == 1
        names = archive.namelist()
    for part in ("man1/ompq.1", "completions/ompq", "_ompq", "demo/resnet20-fashion-mnist.onnx", "ompq/__init__.pyi"):
        assert any(name.endswith(part) for name in names), part


def test_the_sbom_has_every_bundled_file():
    wheel = built_wheel()
    script = SOURCE / "packaging" / "make_sbom.py"
    document = json.loads(subprocess.run([sys.executable, script, wheel], check=True, capture_output=True).stdout)
    assert document["bomFormat"] == "CycloneDX"
    assert {"libtorch_cpu.so", "libompq_engine.so", "ompq"} <= {part["bom-ref"] for part in document["components"]}
    assert {"spdlog", "Apache ECharts", "Fashion-MNIST"} <= {part["name"] for part in document["components"]}
    for part in document["components"]:
        assert part["licenses"] and part["version"]
        assert part["properties"][0]["name"] == "inside" or len(part["hashes"][0]["content"]) == 64
