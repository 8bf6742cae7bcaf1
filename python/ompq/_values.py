"""Python values as the texts that one would type on the command line.

The option records then judge these texts: ranges, choices and messages are those of the program.
"""

import numbers
import os
from collections.abc import Iterable, Mapping

from ompq._parameters import Parameter
from ompq._records import OptionType

_LISTS = (
    OptionType.Choices,
    OptionType.Integers,
    OptionType.Numbers,
    OptionType.ByteCounts,
    OptionType.Globs,
)
_NAMED = (OptionType.NamedShape, OptionType.NamedWidths, OptionType.Widths)


def texts_of(parameter: Parameter, value: object) -> list[str]:
    """The texts of one option; more than one only where it may be repeated."""
    kind = parameter.record.type
    if kind in _NAMED:
        return _named_texts(parameter, value)
    if kind == OptionType.Paths and _is_list(value):
        return [_scalar(parameter, item) for item in value]
    if kind in _LISTS and _is_list(value):
        return [_joined(parameter, value)]
    return [_scalar(parameter, value)]


def flag_of(parameter: Parameter, value: object) -> bool:
    if value is True or value is False:
        return value
    raise _refusal(parameter, value, "True or False")


def _named_texts(parameter: Parameter, value: object) -> list[str]:
    """Widths or extents: of all ("2,3,4"), or by name ("conv1=4,8"), one text a name."""
    if isinstance(value, Mapping):
        texts = []
        for name, widths in value.items():
            listed = _joined(parameter, widths if _is_list(widths) else [widths])
            texts.append(f"{name}={listed}" if name else listed)
        return texts
    if _is_list(value):
        items = [_scalar(parameter, item) for item in value]
        return items if any("=" in item for item in items) else [",".join(items)]
    return [_scalar(parameter, value)]


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _joined(parameter: Parameter, values: Iterable) -> str:
    return ",".join(_scalar(parameter, value) for value in values)


def _scalar(parameter: Parameter, value: object) -> str:
    named_file = parameter.record.type in (OptionType.Path, OptionType.Paths)
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike) and named_file:
        return os.fsdecode(value)
    if not isinstance(value, bool) and not named_file:
        if isinstance(value, numbers.Integral):
            return str(int(value))
        if isinstance(value, numbers.Real):
            return repr(float(value))
    raise _refusal(parameter, value, parameter.record.accepted_values)


def _refusal(parameter: Parameter, value: object, accepted: str) -> TypeError:
    return TypeError(f"{parameter.name}: {value!r} is a {type(value).__name__}, not {accepted}")
