"""Runs commands through the engine's C interface."""

from __future__ import annotations

import ctypes
import json
import logging
import os

from ompq import errors
from ompq._interrupts import Interrupts
from ompq._library import Evaluate, Log, Progress, library


def run(command: str, options: dict, arrays: dict, line: str, progress=None, evaluate=None) -> str:
    """Runs a command with options by name, arrays by option and name, and callables for progress
    and for the quality of files.

    Returns the result as JSON.
    """
    with _Run(command) as call:
        call.set_options(options)
        for option, named in arrays.items():
            for name, array in named.items():
                call.add_array(option, name, array)
        call.set_call(line)
        return call.execute(progress, evaluate)


def report_page(documents: dict) -> str:
    """The HTML page of `ompq report` for JSON results by name."""
    with _Run("report") as call:
        for name, document in documents.items():
            call.add_result(name, document)
        return call.execute()


class _Run:
    """A run of the C interface, freed at the end of a `with` block."""

    def __init__(self, command: str):
        self._run = library.ompq_run_create(command.encode())
        if not self._run:
            raise errors.OutOfMemory("[memory] there is not enough memory")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        library.ompq_run_free(self._run)

    def set_options(self, options: dict) -> None:
        text = json.dumps(options, ensure_ascii=False)
        self._check(library.ompq_run_set_options(self._run, text.encode()))

    def add_array(self, option: str, name: str, array) -> None:
        """The array must be in C order, and must live until execute() returns."""
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        words = (option.encode(), name.encode(), str(array.dtype).encode())
        self._check(
            library.ompq_run_add_array(self._run, *words, shape, array.ndim, array.ctypes.data)
        )

    def add_result(self, name: str, document: str) -> None:
        self._check(library.ompq_run_add_result(self._run, name.encode(), document.encode()))

    def set_call(self, line: str) -> None:
        self._check(library.ompq_run_set_call(self._run, line.encode()))

    def execute(self, progress=None, evaluate=None) -> str:
        failures: list[BaseException] = []

        def kept(work, *args) -> int:
            """Nothing may be raised into C."""
            try:
                work(*args)
                return 0
            except BaseException as failure:
                failures.append(failure)
                return 1

        with Interrupts() as interrupts:

            def report(task, done, total, detail):
                interrupts.serve()
                if progress is not None:
                    interrupts.call(progress, task.decode(), done, total, detail.decode())

            def judge(file, value):
                value[0] = float(interrupts.call(evaluate, os.fsdecode(file)))

            on_progress = Progress(lambda _, *args: kept(report, *args))
            library.ompq_run_on_progress(self._run, on_progress, None)
            if evaluate is not None:
                on_evaluate = Evaluate(lambda _, *args: kept(judge, *args))
                self._check(library.ompq_run_on_evaluate(self._run, on_evaluate, None))
            if interrupts.active:
                library.ompq_run_stop_on_sigint(self._run)
            status = library.ompq_run_execute(self._run)
        if failures:
            raise failures[0]
        self._check(status)
        return library.ompq_run_result(self._run).decode()

    def _check(self, status: int) -> None:
        if status == 0:
            return
        kind = getattr(errors, library.ompq_status_name(status).decode())
        error = kind(library.ompq_run_error_message(self._run).decode())
        error.where = library.ompq_run_error_where(self._run).decode()
        raise error


def _log(_, level: int, line: bytes) -> None:
    # The levels of the C interface are 0 for debug to 3 for errors.
    _LOGGER.log(logging.DEBUG + 10 * level, "%s", line.decode())


_LOGGER = logging.getLogger("ompq")
_LOG_HANDLER = Log(_log)  # must live as long as the library has it
library.ompq_set_log_handler(_LOG_HANDLER, None, 0)
