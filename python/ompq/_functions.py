"""The functions of the module: one for each command of the program that runs networks."""

import inspect
import json
import os
from collections.abc import Callable

from ompq import _arrays, _records, _values, results
from ompq._parameters import LABELS, PROGRESS, Parameter, parameters_of


def make_functions() -> dict[str, Callable]:
    """Functions by name, in the order of the program's help."""
    commands = [command for command in _records.command_table() if command.runs_networks]
    return {command.function: _make_function(command) for command in commands}


def _make_function(command: _records.CommandRecord) -> Callable:
    parameters = parameters_of(command)
    signature = inspect.Signature([parameter.as_signature() for parameter in parameters])

    def function(*args, **kwargs):
        _refuse_unknown(command.function, parameters, kwargs)
        try:
            values = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{command.function}() is {error}") from None
        return _run(command, parameters, values)

    function.__name__ = function.__qualname__ = command.function
    function.__module__ = "ompq"
    function.__doc__ = documentation(command, parameters)
    function.__signature__ = signature
    return function


def documentation(command: _records.CommandRecord, parameters: list[Parameter]) -> str:
    """Summary, description and a line for each parameter."""
    lines = [
        f"{command.summary[0].upper()}{command.summary[1:]}.",
        "",
        command.description,
        "",
        "Parameters:",
    ]
    for parameter in parameters:
        lines.append(f"    {parameter.name}: {parameter.text}")
    return "\n".join(lines) + "\n"


def _refuse_unknown(function: str, parameters: list[Parameter], kwargs: dict) -> None:
    known = [parameter.name for parameter in parameters]
    for name in kwargs:
        if name in known:
            continue
        meant = _records.nearest(name, known)
        remedy = (
            f"did you mean '{meant}'?" if meant else f"help(ompq.{function}) lists the keywords"
        )
        raise TypeError(f"{function}() has no keyword '{name}'; {remedy}")


def _run(command: _records.CommandRecord, parameters: list[Parameter], values: dict) -> dict:
    options: dict[str, object] = {}
    arrays: dict[str, dict] = {}
    shown: list[str] = []
    labels = values.get(LABELS.name)
    for parameter in parameters:
        value = values.get(parameter.name)
        if value is None or parameter.record is None:
            continue
        name = parameter.record.name
        spelled = os.fspath(value) if _arrays.is_path(value) else value
        if parameter.takes_arrays and not _arrays.is_path(value):
            arrays[name] = _arrays.named_arrays(value, labels if name == "data" else None)
            spelled = _Shown(_arrays.arrays_text(arrays[name]))
        elif parameter.record.type == _records.OptionType.Flag:
            options[name] = _values.flag_of(parameter, value)
        else:
            options[name] = _values.texts_of(parameter, value)
        shown.append(repr(spelled) if parameter.operand else f"{parameter.name}={spelled!r}")
    if labels is not None and "data" not in arrays:
        raise TypeError("labels can only be given if data is an array; a path includes its labels")
    line = f"ompq.{command.function}({', '.join(shown)})"
    progress = values.get(PROGRESS.name)
    from ompq import _engine  # loads the library, and LibTorch with it

    document = json.loads(_engine.run(command.name, options, arrays, line, progress))
    return results.BY_FUNCTION[command.function](document)


class _Shown:
    """Placeholder in a printed call for a value without a literal."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text
