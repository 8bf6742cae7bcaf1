"""Progress as a bar of tqdm."""

from __future__ import annotations

import sys
from collections.abc import Callable


def callable_of(progress: object) -> Callable | None:
    """What to call with progress: the caller's callable, a bar, or None.

    True asks for a bar and False for none. None, the default, gives a bar where a person watches
    (a terminal or a notebook) and tqdm is installed.
    """
    if callable(progress):
        return progress
    if progress is False or (progress is None and not _is_watched()):
        return None
    if progress not in (None, True):
        raise TypeError(
            f"progress: {progress!r} is a {type(progress).__name__}, not a callable, True or False"
        )
    try:
        from tqdm.auto import tqdm
    except ImportError:
        if progress:
            raise ImportError("progress=True needs tqdm; run 'pip install tqdm'") from None
        return None
    return Bar(tqdm)


def _is_watched() -> bool:
    if "ipykernel" in sys.modules:
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


class Bar:
    """One bar for each task, made with a class such as tqdm.tqdm."""

    def __init__(self, make: Callable):
        self._make = make
        self._task: str | None = None
        self._bar = None

    def __call__(self, task: str, done: int, total: int, detail: str) -> None:
        if task != self._task or self._bar is None or done < self._bar.n:
            self.close()
            self._task = task
            self._bar = self._make(total=total or None, desc=task)
        self._bar.total = total or None
        self._bar.set_postfix_str(detail, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
