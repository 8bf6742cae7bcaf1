"""Ctrl-C while the library works: the handler of the caller runs where it may raise."""

from __future__ import annotations

import signal
import sys
import threading


class _Deferred:
    """A handler of SIGINT that calls the caller's handler at once while `at_once` is set, and
    otherwise when serve() is called.

    Python calls handlers between any two instructions of the main thread. What they raise at the
    begin of a function that C calls would be lost.
    """

    def __init__(self, handler):
        self.handler = handler
        self.at_once = False
        self._pending = False

    def __call__(self, number, frame):
        if self.at_once:
            self.handler(number, frame)
        else:
            self._pending = True

    def serve(self) -> None:
        if self._pending:
            self._pending = False
            self.handler(signal.SIGINT, sys._getframe())


class Interrupts:
    """A context in which the library may be called. Where Python handles SIGINT, which is in the
    main thread, and the caller has a handler, `active` is true."""

    def __init__(self):
        self._deferred: _Deferred | None = None
        self._installed = False
        self._at_once_before = False

    @property
    def active(self) -> bool:
        return self._deferred is not None

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            return self
        handler = signal.getsignal(signal.SIGINT)
        if isinstance(handler, _Deferred):  # this call is in a callback of another one
            self._deferred = handler
            self._at_once_before, handler.at_once = handler.at_once, False
        elif callable(handler):
            deferred = _Deferred(handler)
            try:
                signal.signal(signal.SIGINT, deferred)
            except ValueError:  # an interpreter within another one
                return self
            self._deferred = deferred
            self._installed = True
        return self

    def __exit__(self, *_):
        if self._deferred is None:
            return
        if self._installed:
            signal.signal(signal.SIGINT, self._deferred.handler)
            self._deferred.serve()
        else:
            self._deferred.at_once = self._at_once_before
            if self._deferred.at_once:
                self._deferred.serve()

    def serve(self) -> None:
        """Calls the handler if there was a SIGINT. It may raise."""
        if self._deferred is not None:
            self._deferred.serve()

    def call(self, function, *args) -> object:
        """Calls code of the caller, which a handler may interrupt at any moment."""
        if self._deferred is None:
            return function(*args)
        self._deferred.at_once = True
        try:
            return function(*args)
        finally:
            self._deferred.at_once = False
