"""The engine's C interface (include/ompq.h). Importing this loads the engine, and LibTorch with it."""

from __future__ import annotations

import ctypes
import os
import pathlib
from collections.abc import Iterator

from ompq import _records

ENGINE = "libompq_engine.so"
C_VERSION = 1
"""The version of the C interface that this module uses."""

Progress = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_char_p
)
Evaluate = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_double)
)
Log = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)

_RUN = ctypes.c_void_p
_TEXT = ctypes.c_char_p
_PROTOTYPES = {
    "ompq_c_version": (ctypes.c_int,),
    "ompq_version": (_TEXT,),
    "ompq_status_name": (_TEXT, ctypes.c_int),
    "ompq_run_create": (_RUN, _TEXT),
    "ompq_run_free": (None, _RUN),
    "ompq_run_set_options": (ctypes.c_int, _RUN, _TEXT),
    "ompq_run_add_array": (
        ctypes.c_int,
        _RUN,
        _TEXT,
        _TEXT,
        _TEXT,
        ctypes.POINTER(ctypes.c_int64),
        ctypes.c_int,
        ctypes.c_void_p,
    ),
    "ompq_run_on_progress": (ctypes.c_int, _RUN, Progress, ctypes.c_void_p),
    "ompq_run_on_evaluate": (ctypes.c_int, _RUN, Evaluate, ctypes.c_void_p),
    "ompq_run_add_result": (ctypes.c_int, _RUN, _TEXT, _TEXT),
    "ompq_run_set_call": (ctypes.c_int, _RUN, _TEXT),
    "ompq_run_stop_on_sigint": (ctypes.c_int, _RUN),
    "ompq_run_execute": (ctypes.c_int, _RUN),
    "ompq_run_result": (_TEXT, _RUN),
    "ompq_run_error_where": (_TEXT, _RUN),
    "ompq_run_error_message": (_TEXT, _RUN),
    "ompq_set_log_handler": (None, Log, ctypes.c_void_p, ctypes.c_int),
}


def candidate_files(package: pathlib.Path) -> Iterator[pathlib.Path]:
    """Where the engine may be: in the package, as in a wheel; or in the lib folder of the prefix
    that the package is installed below, or of the build tree."""
    for folder in (package, *list(package.parents)[:4]):
        yield folder / "lib" / "ompq" / ENGINE
        yield folder / "lib64" / "ompq" / ENGINE
        yield from sorted(folder.glob(f"lib/*-linux-*/ompq/{ENGINE}"))


def find_engine(package: pathlib.Path) -> pathlib.Path:
    tried = []
    for file in candidate_files(package):
        if file.is_file():
            return file
        tried.append(f"\n  {file}")
    raise ImportError(
        f"the engine of ompq, {ENGINE}, is missing; build or install ompq again. Tried were, besides "
        f"lib/*-linux-*/ompq in the same folders:{''.join(tried)}"
    )


def _load() -> ctypes.CDLL:
    file = find_engine(pathlib.Path(__file__).resolve().parent)
    # OpenMP's threads spin while they wait for each other, and where something else wants the cores
    # they then wait for one that cannot run. Its runtime reads this once, when it is loaded.
    spins = "GOMP_SPINCOUNT"
    added = spins not in os.environ
    if added:
        os.environ[spins] = "5000"
    try:
        library = ctypes.CDLL(os.fspath(file))
    except OSError as error:
        raise ImportError(f"{file} cannot be loaded: {error}; install ompq again") from None
    finally:
        if added:
            del os.environ[spins]
    for name, (result, *arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    _require_same_version(library, file)
    return library


def _require_same_version(library: ctypes.CDLL, file: pathlib.Path) -> None:
    version = library.ompq_version().decode()
    if version == _records.version and library.ompq_c_version() >= C_VERSION:
        return
    raise ImportError(
        f"{file} has version {version}, and the module {__package__} next to it {_records.version}; "
        "install both again"
    )


library = _load()
