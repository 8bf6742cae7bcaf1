"""Runs commands in a process of their own, where torch is installed.

The engine brings a LibTorch, and so does torch. Two versions of it in one process share some of
their symbols, and end the process when the second one is loaded. This module has the functions of
_engine; ompq._worker is the other side. Messages are pickles, with their length before them.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import pathlib
import pickle
import subprocess
import sys

from ompq import errors


def backend():
    """The module that runs commands: _engine, or this one where torch may be loaded."""
    if "ompq._engine" not in sys.modules and is_apart():
        return sys.modules[__name__]
    from ompq import _engine  # loads the library, and LibTorch with it

    return _engine


def is_apart() -> bool:
    """True if this process has, or may get, another LibTorch."""
    return "torch" in sys.modules or importlib.util.find_spec("torch") is not None


def run(command: str, options: dict, arrays: dict, line: str, progress=None, evaluate=None) -> str:
    wanted = (progress is not None, evaluate is not None)
    return _answer(("run", command, options, arrays, line, *wanted), progress, evaluate)


def report_page(documents: dict) -> str:
    return _answer(("report_page", documents))


def send(stream, message: object) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(len(data).to_bytes(8, "little"))
    stream.write(data)
    stream.flush()


def receive(stream) -> object:
    """The next message. EOFError: there is none any more."""
    size = stream.read(8)
    data = stream.read(int.from_bytes(size, "little"))
    if len(size) < 8 or not data:
        raise EOFError
    return pickle.loads(data)


def _answer(request: tuple, progress=None, evaluate=None) -> str:
    # By its path: -m would also import from the working folder, which may be anybody's.
    worker = subprocess.Popen(
        [sys.executable, str(pathlib.Path(__file__).with_name("_worker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _search_path()},
    )
    try:
        send(worker.stdin, request)
        return _converse(worker, progress, evaluate)
    except (EOFError, BrokenPipeError):
        raise errors.InternalError(
            f"[process] the process of the command ended with status {worker.wait()}; this is a bug in "
            "ompq, or there was not enough memory"
        ) from None
    finally:
        _end(worker)


def _search_path() -> str:
    """The worker finds the packages of this process, also those of folders added to sys.path."""
    own = str(pathlib.Path(__file__).resolve().parents[1])
    return os.pathsep.join([own, *filter(None, sys.path)])


def _converse(worker: subprocess.Popen, progress, evaluate) -> str:
    failure: BaseException | None = None
    while True:
        kind, *values = receive(worker.stdout)
        if kind == "log":
            logging.getLogger("ompq").log(values[0], "%s", values[1])
        elif kind in ("progress", "evaluate"):
            # None ends the work; the worker then answers with an error, and its files are removed.
            reply = None
            try:
                if failure is None:
                    reply = True if kind == "progress" else 0.0
                    result = (progress if kind == "progress" else evaluate)(*values)
                    reply = float(result) if kind == "evaluate" else True
            except BaseException as raised:
                failure, reply = raised, None
            send(worker.stdin, reply)
        elif failure is not None:
            raise failure
        elif kind == "result":
            return values[0]
        else:
            name, message, where = values
            error = getattr(errors, name)(message)
            error.where = where
            raise error


def _end(worker: subprocess.Popen) -> None:
    """Without its input, a worker ends at the next unit of work."""
    for stream in (worker.stdin, worker.stdout):
        try:
            stream.close()
        except BrokenPipeError:
            pass
    try:
        worker.wait(timeout=5)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
