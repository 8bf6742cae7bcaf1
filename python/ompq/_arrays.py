"""Samples in memory, as the arrays by name that the library takes.

numpy is imported only here and only for those who have arrays; torch, PIL and others never: their
objects are recognized by what they can do.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from ompq import errors

_LABEL_KEYS = ("y", "labels", "label")


def is_path(value: object) -> bool:
    return isinstance(value, (str, os.PathLike))


def named_arrays(value: object, labels: object = None, process: Callable | None = None) -> dict:
    """Arrays by name: x and y for samples and labels, or those of a dict.

    `value` is an array, a pair of samples and labels, a dict with an array for each input, a list
    of samples, or an iterable of batches, or of samples, of these. `process` is applied to each
    sample.
    """
    arrays = _named(value, process) if _is_whole(value) else _gathered(value, process)
    if labels is not None:
        if "y" in arrays:
            raise TypeError("labels are given twice: in data, and as labels; remove one of them")
        arrays["y"] = labels
    plain = {str(name): _plain(array) for name, array in arrays.items()}
    return {name: array for name, array in plain.items() if _is_of_use(name, array)}


def _is_whole(value: object) -> bool:
    """True for all samples at once; false for an iterable of parts."""
    if isinstance(value, Mapping) or _is_array(value):
        return True
    if isinstance(value, tuple) and len(value) == 2:
        return True
    if isinstance(value, (list, tuple)):
        return not (value and _has_labels_or_names(value[0]))
    return False


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") or hasattr(value, "__array_interface__")


def _has_labels_or_names(part: object) -> bool:
    return isinstance(part, Mapping) or (
        isinstance(part, tuple) and len(part) == 2 and _is_array(part[0])
    )


def _named(value: object, process: Callable | None) -> dict:
    """Arrays of a value that has all samples."""
    if isinstance(value, Mapping):
        arrays = dict(value)
    elif isinstance(value, tuple) and len(value) == 2:
        arrays = {"x": value[0], "y": value[1]}
    else:
        arrays = {"x": value}
    if process is None:
        return arrays
    samples = arrays.pop(_name_of_samples(arrays, "data has arrays named", "preprocess them before"))
    parts = [_processed(sample, process) for sample in samples]
    return {**_joined(parts, batches=False), **arrays}


def _gathered(value: object, process: Callable | None) -> dict:
    """Arrays of an iterable. Its items are batches, as of a DataLoader, or single samples, as of a
    data set: those have a single number as label."""
    parts = []
    batches = True
    for item in _items(value):
        part = _named_part(item)
        batches = not _is_one_sample(part)
        if process is not None:
            part = _processed_part(part, process, batches)
        parts.append({name: _plain(array) for name, array in part.items()})
    if not parts:
        raise errors.DataError("[data] the iterable has no items; give at least one sample")
    return _joined(parts, batches)


def _items(value: object) -> Iterator:
    if isinstance(value, Iterable):
        return iter(value)
    if hasattr(value, "__getitem__") and hasattr(value, "__len__"):  # a data set of torch
        return (value[i] for i in range(len(value)))
    raise TypeError(
        f"data: {value!r} is a {type(value).__name__}, not a path, an array or an iterable of arrays"
    )


def _named_part(item: object) -> dict:
    if isinstance(item, Mapping):
        part = dict(item)
        for key in _LABEL_KEYS[1:]:
            if key in part and "y" not in part:
                part["y"] = part.pop(key)
        return part
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return {"x": item[0], "y": item[1]}
    if isinstance(item, (tuple, list)) and len(item) == 1:  # of a TensorDataset without labels
        return {"x": item[0]}
    return {"x": item}


def _is_one_sample(part: dict) -> bool:
    if "y" in part:
        return _plain(part["y"]).ndim == 0
    # Images of PIL and texts.
    return any(hasattr(value, "getbands") or isinstance(value, (str, bytes)) for value in part.values())


def _name_of_samples(arrays: Mapping, what: str, remedy: str) -> str:
    """The name of what preprocess is for: x, or the only one besides the labels, as `image` and `text` in data sets of
    Hugging Face."""
    names = [name for name in arrays if name != "y"]
    if "x" in names:
        return "x"
    if len(names) == 1:
        return names[0]
    raise TypeError(
        f"preprocess is a function of one sample, but {what} {', '.join(map(str, arrays))}; "
        f"name the samples x, or {remedy}"
    )


def _processed_part(part: dict, process: Callable, batch: bool) -> dict:
    samples = part.pop(_name_of_samples(part, "the items of data are dicts of", "preprocess them in the iterable"))
    if not batch:
        return {**_processed(samples, process), **part}
    return {**_joined([_processed(sample, process) for sample in samples], batches=False), **part}


def _processed(sample: object, process: Callable) -> dict:
    """One sample after preprocessing, by input."""
    if not hasattr(process, "model_input_names"):
        made = process(sample)
        return dict(made) if isinstance(made, Mapping) else {"x": made}
    # Of Hugging Face, for images, sounds or texts. They return batches.
    given = {"images": sample} if _takes_images(process) else {}
    made = process(*([] if given else [sample]), **given, return_tensors="np")
    inputs = {name: made[name] for name in process.model_input_names if name in made}
    if len(inputs) == 1:
        inputs = {"x": next(iter(inputs.values()))}
    return {name: _plain(array)[0] for name, array in inputs.items()}


def _takes_images(process: Callable) -> bool:
    try:
        return "images" in inspect.signature(process).parameters
    except (TypeError, ValueError):  # no signature
        return False


def _joined(parts: list[dict], batches: bool) -> dict:
    """The arrays of all parts, one after the other."""
    import numpy

    join = numpy.concatenate if batches else numpy.stack
    arrays = {}
    for name in parts[0]:
        found = [_plain(part[name]) for part in parts if name in part]
        if len(found) != len(parts):
            raise errors.DataError(f"[data] only {len(found)} of {len(parts)} items have '{name}'")
        shapes = {array.shape[1:] if batches else array.shape for array in found}
        if len(shapes) > 1:
            shown = " and ".join(map(str, sorted(shapes)[:2]))
            raise errors.DataError(
                f"[data] samples of '{name}' have different shapes, such as {shown}; resize or pad "
                "them before, or with preprocess"
            )
        arrays[name] = join(found)
    return arrays


def _plain(array: object):
    """The array in C order and native byte order, without a copy if it already is."""
    import numpy

    if hasattr(array, "detach"):  # a tensor of torch, possibly on a GPU
        array = array.detach().cpu()
        if str(array.dtype) == "torch.bfloat16":  # which NumPy lacks
            array = array.float()
    if isinstance(array, (list, tuple)) and array and _is_array(array[0]):
        array = _joined([{"x": part} for part in array], batches=False)["x"]
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
