"""What ompq raises, by the names that the C++ library has for them."""


class Error(RuntimeError):
    """Base of all of them. The message has the place, the rule, the values and the remedy."""

    where: str = ""
    """The component, file or option that the error is about."""


class ImportError(Error):  # noqa: A001  # the library's name; ompq.ImportError is no builtin
    """A model file that cannot be read or is inconsistent."""


class UnsupportedOp(Error):
    """One or more operators that ompq does not support; the message lists at most 20."""


class ShapeError(Error):
    """Shapes that do not match."""


class DataError(Error):
    """Samples, labels or images that cannot be used."""


class FileError(Error):
    """A file that cannot be written or read because of the file system."""


class OutOfMemory(Error, MemoryError):
    """There is not enough memory, or a limit on memory or threads was reached."""


class InfeasibleBudget(Error):
    """No allocation fits the budget."""


class ConfigError(Error, ValueError):
    """Options that contradict each other or are out of range."""


class Interrupted(Error):
    """The work was stopped on request."""


class InternalError(Error):
    """A bug in ompq: an invariant does not hold."""
