"""Samples in memory, as the arrays by name that the library takes."""

import logging
import os
from collections.abc import Mapping


def is_path(value: object) -> bool:
    return isinstance(value, (str, os.PathLike))


def named_arrays(value: object, labels: object = None) -> dict:
    """Arrays by name: x and y for samples and labels, or those of a dict."""
    if isinstance(value, Mapping):
        arrays = dict(value)
    elif isinstance(value, tuple) and len(value) == 2:
        arrays = {"x": value[0], "y": value[1]}
    else:
        arrays = {"x": value}
    if labels is not None:
        if "y" in arrays:
            raise TypeError("labels are given twice: in data, and as labels; remove one of them")
        arrays["y"] = labels
    plain = {str(name): _plain(array) for name, array in arrays.items()}
    return {name: array for name, array in plain.items() if _is_of_use(name, array)}


def _plain(array: object):
    """The array in C order and native byte order, without a copy if it already is."""
    import numpy  # only for those who have arrays

    plain = numpy.asarray(array, order="C")
    return plain.astype(plain.dtype.newbyteorder("="), copy=False)


def _is_of_use(name: str, array: object) -> bool:
    """Strings and Python objects besides the samples, such as file names, are ignored."""
    if name == "x" or array.dtype.kind in "fiub":
        return True
    logging.getLogger("ompq").warning("array %s contains %s, not numbers, and is not used", name, array.dtype)
    return False


def arrays_text(arrays: Mapping) -> str:
    """Description of the arrays for the provenance of a result."""
    shown = (f"{name} {array.dtype}{list(array.shape)}" for name, array in arrays.items())
    return f"<{', '.join(shown)}>"
