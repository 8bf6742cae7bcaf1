"""Writes the stub of the package, made of the same records as its functions.

python3 -m ompq._stub __init__.pyi
"""

import pathlib
import sys

from ompq import _records, errors, results
from ompq._parameters import Parameter, parameters_of

HEAD = '''"""Made of the option records by ompq._stub. Do not edit."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from numpy.typing import ArrayLike as _Array

from ompq import results as results
'''

ALIASES = """
_Path = str | os.PathLike[str]
_Data = _Path | _Array | tuple[_Array, _Array] | Mapping[str, _Array] | Iterable[Any]
_Preprocess = Callable[..., Any]
_Evaluate = Callable[[str], float]
_Progress = Callable[[str, int, int, str], object]

class _Module(Protocol):
    def forward(self, *args: Any, **kwargs: Any) -> Any: ...
    def state_dict(self) -> Any: ...

_Model = _Path | _Module

__version__: str
"""


def stub_text() -> str:
    """The whole stub."""
    imports = [f"from ompq.errors import {name} as {name}\n" for name in sorted(error_names())]
    functions = [
        _function(command) for command in _records.command_table() if command.runs_networks
    ]
    return HEAD + "".join(imports) + ALIASES + "".join(f"\n{text}\n" for text in functions)


def error_names() -> list[str]:
    return [name for name, value in vars(errors).items() if isinstance(value, type)]


def _function(command: _records.CommandRecord) -> str:
    parameters = parameters_of(command)
    lines = [f"def {command.function}("]
    lines += [f"    {_parameter(parameter)}," for parameter in parameters if parameter.operand]
    lines += ["    *,"]
    lines += [f"    {_parameter(parameter)}," for parameter in parameters if not parameter.operand]
    lines += [f") -> results.{results.BY_FUNCTION[command.function].__name__}:"]
    lines += [f'    """{command.summary[0].upper()}{command.summary[1:]}."""']
    return "\n".join(lines)


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.required else f" = {parameter.default!r}"
    return f"{parameter.name}: {parameter.annotation}{default}"


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(stub_text(), encoding="utf-8")
