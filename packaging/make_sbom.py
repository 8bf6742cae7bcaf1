"""Writes the list of what a wheel of ompq contains, in CycloneDX's JSON format, on standard output.

    python3 packaging/make_sbom.py WHEEL

The same wheel gives the same bytes: no serial number and no time.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path


def licence(expression: str) -> dict:
    if " " in expression:
        return {"expression": expression}
    return {"license": {"id": expression}}


def component_inside(row: dict) -> dict:
    """A project whose code or data are inside a file of ompq."""
    return {
        "type": "data" if row["in"].startswith("share/") else "library",
        "bom-ref": row["project"],
        "name": row["project"],
        "version": row["version"],
        "licenses": [licence(row["license"])],
        "properties": [{"name": "inside", "value": row["in"]}],
    }


def component(row: dict, content: bytes) -> dict:
    return {
        "type": "library",
        "bom-ref": row["file"],
        "name": row["project"],
        "version": row["version"],
        "licenses": [licence(row["license"])],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}],
        "properties": [{"name": "file", "value": row["file"]}],
    }


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    wheel = Path(sys.argv[1])
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name).name: name for name in archive.namelist() if "/lib/ompq/" in name or "/scripts/" in name}
        table = next(name for name in archive.namelist() if name.endswith(".dist-info/bundled.json"))
        rows = json.loads(archive.read(table))
        parts = [component(row, archive.read(names[row["file"]])) if "file" in row else component_inside(row) for row in rows]
    own = next(row for row in rows if row.get("file") == "ompq")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": wheel.name,
                "name": "ompq",
                "version": own["version"],
                "licenses": [licence(own["license"])],
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}],
            }
        },
        "components": parts,
    }
    json.dump(document, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
