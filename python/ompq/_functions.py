"""The functions of the module: one for each command of the program that runs networks."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import pathlib
from collections.abc import Callable

from ompq import _arrays, _export, _process, _progress, _records, _values, results
from ompq._parameters import EVALUATE, EXAMPLE_INPUT, LABELS, PROGRESS, Parameter, parameters_of


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
    progress = _progress.callable_of(values.get(PROGRESS.name))
    with contextlib.ExitStack() as stack:
        if isinstance(progress, _progress.Bar):
            stack.callback(progress.close)
        call = _Call(command, values, stack)
        for parameter in parameters:
            value = values.get(parameter.name)
            if value is not None and parameter.record is not None:
                call.add(parameter, value)
        call.check()
        work = _process.backend().run
        document = json.loads(
            work(command.name, call.options, call.arrays, call.line, progress, call.evaluate)
        )
    return results.BY_FUNCTION[command.function](document)


class _Call:
    """The values of one call as options and arrays of the C interface."""

    def __init__(self, command: _records.CommandRecord, values: dict, stack: contextlib.ExitStack):
        self.options: dict[str, object] = {}
        self.arrays: dict[str, dict] = {}
        self._command = command
        self._stack = stack
        self._shown: list[str] = []
        self._labels = values.get(LABELS.name)
        self._example_input = values.get(EXAMPLE_INPUT.name)
        self._exported = False
        preprocess = values.get("preprocess")
        self._process = None if _arrays.is_path(preprocess) else preprocess
        if self._process is not None and not callable(self._process):
            kind = type(preprocess).__name__
            raise TypeError(f"preprocess: {preprocess!r} is a {kind}, not a path or a function of one sample")
        self.evaluate = values.get(EVALUATE.name)
        if self.evaluate is not None and not callable(self.evaluate):
            raise TypeError(f"evaluate: {self.evaluate!r} is a {type(self.evaluate).__name__}, not a function of a path")
        if self.evaluate is not None and values.get("eval_command") is not None:
            raise TypeError("evaluate and eval_command judge the same files; remove one of them")

    def add(self, parameter: Parameter, value: object) -> None:
        name = parameter.record.name
        spelled = os.fspath(value) if _arrays.is_path(value) else value
        if parameter.takes_arrays and not _arrays.is_path(value):
            labels = self._labels if name == "data" else None
            self.arrays[name] = _arrays.named_arrays(value, labels, self._process)
            spelled = _Shown(_arrays.arrays_text(self.arrays[name]))
        elif value is self._process:
            spelled = _function_shown(value)
        elif parameter.operand and _export.is_module(value):
            spelled = _Shown(f"<{type(value).__name__}>")
            self.options[name] = self._export(value)
        elif parameter.record.type == _records.OptionType.Flag:
            self.options[name] = _values.flag_of(parameter, value)
        else:
            self.options[name] = _values.texts_of(parameter, value)
        self._shown.append(repr(spelled) if parameter.operand else f"{parameter.name}={spelled!r}")

    def check(self) -> None:
        """Refuses values that need others."""
        if self._labels is not None and "data" not in self.arrays:
            raise TypeError("labels can only be given if data is an array; a path includes its labels")
        if self._process is not None and not self.arrays:
            raise TypeError(
                "preprocess is a function, so data must be arrays or an iterable of samples; for files, "
                "give the path of a preprocessing file"
            )
        if self._example_input is not None and not self._exported:
            raise TypeError("example_input is for modules of torch, but the network is a file; remove it")

    @property
    def line(self) -> str:
        shown = list(self._shown)
        if self.evaluate is not None:
            shown.append(f"{EVALUATE.name}={_function_shown(self.evaluate)!r}")
        return f"ompq.{self._command.function}({', '.join(shown)})"

    def _export(self, module: object) -> str:
        if self._example_input is None:
            raise TypeError(
                f"{self._command.function}() of a torch module needs example_input, a batch that its "
                "forward() takes"
            )
        import tempfile  # imports much

        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ompq-"))
        file = pathlib.Path(folder) / f"{type(module).__name__}.onnx"
        _export.export(module, self._example_input, file)
        self._exported = True
        return str(file)


def _function_shown(function: Callable) -> _Shown:
    name = getattr(function, "__name__", type(function).__name__)
    return _Shown(f"<{name.strip('<>')}>")


class _Shown:
    """Placeholder in a printed call for a value without a literal."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text
