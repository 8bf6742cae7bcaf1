"""Samples that lie in memory, as the arrays by name that the library takes."""

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
            raise TypeError("labels are given twice: in data, and as labels; leave one of them out")
        arrays["y"] = labels
    plain = {str(name): _plain(array) for name, array in arrays.items()}
    return {name: array for name, array in plain.items() if _is_of_use(name, array)}


def _plain(array: object):
    """The array in C order and this machine's byte order, without a copy where it is so already."""
    import numpy  # only for those who have arrays

    plain = numpy.asarray(array, order="C")
    return plain.astype(plain.dtype.newbyteorder("="), copy=False)


def _is_of_use(name: str, array: object) -> bool:
    """Text and Python objects besides the samples, such as file names, are not read."""
    if name == "x" or array.dtype.kind in "fiub":
        return True
    logging.getLogger("ompq").warning("array %s holds %s, no numbers, and is not used", name, array.dtype)
    return False


def arrays_text(arrays: Mapping) -> str:
    """For the record of how a result was made."""
    shown = (f"{name} {array.dtype}{list(array.shape)}" for name, array in arrays.items())
    return f"<{', '.join(shown)}>"
