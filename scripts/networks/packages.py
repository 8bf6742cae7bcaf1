"""The PyPI packages with the networks: pinned, downloaded without dependencies, unzipped."""

import pathlib
import subprocess
import sys
import zipfile

VERSIONS = {
    "rapidocr-onnxruntime": "1.4.4",
    "silero-vad": "6.2.3",
    "basic-pitch": "0.4.0",
    "magika": "1.0.3",
    "nudenet": "3.4.2",
}


def unpacked(package: str, folder: pathlib.Path) -> pathlib.Path:
    """The folder of the package's files."""
    version = VERSIONS[package]
    target = folder / f"{package}-{version}"
    if not target.exists():
        wheels = folder / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*command, "--dest", wheels, f"{package}=={version}"], check=True)
        (wheel,) = wheels.glob(f"{package.replace('-', '_')}-{version}-*.whl")
        partial = target.with_suffix(".partial")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial)
        partial.rename(target)
    return target
