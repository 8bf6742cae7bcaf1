"""Mixed-precision quantization of ONNX networks.

One function for each command of the program, with the program's options as keywords:

    import ompq
    result = ompq.quantize("net.onnx", data=images, avg_bits=3, output="small.onnx")
    print(result.bytes_on_disk, result.evaluation.agreement)

`data` is a path, as on the command line, or NumPy arrays: samples [n, ...], a pair of samples and
labels, or a dict with an array for each input. uint8 samples are pixels and are preprocessed as
images are; other numbers are taken as they are. A result is what `--json` prints, as a dict
whose fields are attributes, too (`ompq.results` has the types). `progress` is called with (task, done, total, detail); what it
raises ends the work. The interpreter lock is released while the library works.

Importing this module only reads the option records; the first call loads the library, and LibTorch
with it.
"""

from ompq import results
from ompq._functions import make_functions as _make_functions
from ompq._records import version as __version__
from ompq.errors import (
    ConfigError,
    DataError,
    Error,
    FileError,
    ImportError,
    InfeasibleBudget,
    InternalError,
    Interrupted,
    OutOfMemory,
    ShapeError,
    UnsupportedOp,
)

_functions = _make_functions()
globals().update(_functions)

# Without ImportError, so that `from ompq import *` leaves Python's own in its place.
__all__ = [
    "ConfigError",
    "DataError",
    "Error",
    "FileError",
    "InfeasibleBudget",
    "InternalError",
    "Interrupted",
    "OutOfMemory",
    "ShapeError",
    "UnsupportedOp",
    "__version__",
    "results",
    *_functions,
]
