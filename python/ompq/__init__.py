"""Mixed-precision quantization of ONNX networks.

One function for each command of the program, with the program's options as keywords:

    import ompq
    result = ompq.quantize("net.onnx", data=images, avg_bits=3, output="small.onnx")
    print(result.bytes_on_disk, result.evaluation.agreement)

`data` is a path, as on the command line, or arrays of NumPy or torch: samples [n, ...], a pair of
samples and labels, or a dict with an array for each input; or an iterable of batches of these, such
as a DataLoader, or of single samples with their labels. uint8 samples are pixels and are
preprocessed as images are; other numbers are taken as they are. `preprocess` may be a function of
one sample, such as an image processor of Hugging Face. The network may be a torch module, which is
exported with `example_input`. `evaluate` is called with the path of each evaluated file and returns
a number, its quality.

A result is what `--json` prints, as a dict whose fields are attributes, too (`ompq.results` has the
types). `progress` is called with (task, done, total, detail); what it raises ends the work. By
default tqdm, if it is installed, shows a bar in terminals and notebooks. The interpreter lock is
released while the library works.

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
