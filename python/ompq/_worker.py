"""The process of one command: python3 ompq/_worker.py, started by ompq._process."""

from __future__ import annotations

import logging
import os
import signal
import sys

from ompq import _process, errors


class _LogToCaller(logging.Handler):
    def __init__(self, stream):
        super().__init__(logging.DEBUG)
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        _process.send(self._stream, ("log", record.levelno, record.getMessage()))


class _Stopped(Exception):
    """The caller ended the work, or ended itself."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller gets it, and ends the work
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not mix with messages
    logger = logging.getLogger("ompq")
    logger.addHandler(_LogToCaller(answers))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False

    def ask(*question) -> object:
        try:
            _process.send(answers, question)
            reply = _process.receive(requests)
        except (EOFError, BrokenPipeError):
            raise _Stopped from None
        if reply is None:
            raise _Stopped
        return reply

    name, *arguments = _process.receive(requests)
    try:
        answer = ("result", _work(name, arguments, ask))
    except errors.Error as error:
        answer = ("error", type(error).__name__, str(error), error.where)
    except _Stopped:
        answer = ("error", "Interrupted", "[process] stopped by the caller", "process")
    try:
        _process.send(answers, answer)
    except BrokenPipeError:
        sys.exit(1)


def _work(name: str, arguments: list, ask) -> str:
    from ompq import _engine

    if name == "report_page":
        return _engine.report_page(*arguments)
    *call, _, with_evaluate = arguments
    with_progress = arguments[-2]

    def progress(*event):
        if with_progress:
            ask("progress", *event)

    def evaluate(file: str) -> float:
        return ask("evaluate", file)

    return _engine.run(*call, progress, evaluate if with_evaluate else None)


if __name__ == "__main__":
    main()
