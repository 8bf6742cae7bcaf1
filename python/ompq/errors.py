"""What ompq raises, by the names that the C++ library has for them."""


class Error(RuntimeError):
    """Base of all of them. The message says where, the rule, the values and the way out."""

    where: str = ""
    """The room, file or option that the error speaks of."""


class ImportError(Error):  # noqa: A001  # the library's name; ompq.ImportError is no builtin
    """A model file that cannot be read or does not hold together."""


class UnsupportedOp(Error):
    """One or more operators outside of what ompq runs; the message lists every node."""


class ShapeError(Error):
    """Shapes that do not fit each other."""


class DataError(Error):
    """Samples, labels or images that cannot be used."""


class FileError(Error):
    """A file that cannot be written or read for reasons of the file system."""


class InfeasibleBudget(Error):
    """No allocation fits the budget."""


class ConfigError(Error, ValueError):
    """Options that contradict each other or lie outside of their range."""


class Interrupted(Error):
    """The work was asked to stop."""


class InternalError(Error):
    """ompq's own fault: an invariant that does not hold."""
