"""Parameters of the functions, generated from the option records of the commands."""

from __future__ import annotations

import dataclasses
import inspect
import keyword
import re

from ompq._records import CommandRecord, OptionRecord, OptionType

TAKES_ARRAYS = "SRC"
"""The value name of options that name samples."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter: an option of the command, or one that only Python has (record is None)."""

    name: str
    annotation: str
    text: str
    required: bool = False
    default: object = None
    operand: bool = False
    record: OptionRecord | None = None

    @property
    def takes_arrays(self) -> bool:
        return self.record is not None and self.record.value_name == TAKES_ARRAYS

    def as_signature(self) -> inspect.Parameter:
        kind = (
            inspect.Parameter.POSITIONAL_OR_KEYWORD
            if self.operand
            else inspect.Parameter.KEYWORD_ONLY
        )
        default = inspect.Parameter.empty if self.required else self.default
        return inspect.Parameter(self.name, kind, default=default, annotation=self.annotation)


LABELS = Parameter(
    name="labels",
    annotation="_Array | None",
    text="class of each sample, if data is an array",
)
EVALUATE = Parameter(
    name="evaluate",
    annotation="_Evaluate | None",
    text="called with the path of each evaluated file; returns a number, its quality, instead of eval_command",
)
EXAMPLE_INPUT = Parameter(
    name="example_input",
    annotation="Any",
    text="if the network is a torch module: a tensor, or a tuple or dict of them, that forward() takes",
)
PROGRESS = Parameter(
    name="progress",
    annotation="_Progress | bool | None",
    text=(
        "called with (task, done, total, detail) during the work; an exception that it raises ends the "
        "work. True: a bar of tqdm; False: none; by default a bar in terminals and notebooks where tqdm is "
        "installed"
    ),
)


def python_name(name: str) -> str:
    """ "avg-bits" -> "avg_bits", "MODEL" -> "model", "for" -> "for_"."""
    spelled = name.lower().replace("-", "_")
    return spelled + "_" if keyword.iskeyword(spelled) else spelled


def parameters_of(command: CommandRecord) -> list[Parameter]:
    """Operands, then options as keywords, then those that only Python has."""
    parameters = [_of_record(record, operand=True) for record in command.operands]
    for record in command.options:
        if _speaks_of_the_terminal(record):
            continue
        parameters.append(_of_record(record, operand=False))
        if parameters[-1].name == "data":
            parameters.append(LABELS)
        if parameters[-1].name == "eval_command":
            parameters.append(EVALUATE)
    return [*parameters, EXAMPLE_INPUT, PROGRESS]


def _speaks_of_the_terminal(record: OptionRecord) -> bool:
    """--json, --quiet, --verbose and --help: Python has results, logging and help() for them."""
    return record.group == "Common" and record.type == OptionType.Flag


def _of_record(record: OptionRecord, operand: bool) -> Parameter:
    text = record.text
    if record.name == "preprocess":
        text += "; or a function of one sample, such as an image processor of Hugging Face"
    optional = not record.required and not record.fallback and record.type != OptionType.Flag
    return Parameter(
        name=python_name(record.name),
        annotation="_Model" if operand else annotation(record) + (" | None" if optional else ""),
        text=text,
        required=record.required,
        default=default_value(record),
        operand=operand,
        record=record,
    )


def default_value(record: OptionRecord) -> object:
    """The default as a Python value; None if there is none."""
    if record.type == OptionType.Flag:
        return False
    if not record.fallback:
        return None
    if record.type == OptionType.Integer:
        return int(record.fallback)
    if record.type == OptionType.Number:
        return float(record.fallback)
    return record.fallback


def annotation(record: OptionRecord) -> str:
    """The type of an option's value, without None."""
    if record.value_name == TAKES_ARRAYS:
        return "_Data"
    if record.name == "preprocess":
        return "_Path | _Preprocess"
    if record.type in (OptionType.Choice, OptionType.Choices):
        return _choices(record)
    return _TYPES[record.type]


def _choices(record: OptionRecord) -> str:
    """Texts, and whole numbers where they are meant; those and lists where several may be given."""
    if record.type == OptionType.Choice:
        return f"Literal[{', '.join(map(_literal, record.choices))}]"
    numbers = [choice for choice in record.choices if re.fullmatch(r"\d+", choice)]
    literals = f"Literal[{', '.join([*map(_literal, record.choices), *numbers])}]"
    several = record.fallback if "," in record.fallback else None
    alone = literals if several is None else f"{literals} | Literal[{_literal(several)}]"
    return f"{alone} | Sequence[{literals}]"


def _literal(text: str) -> str:
    return f'"{text}"'


_TYPES = {
    OptionType.Flag: "bool",
    OptionType.Text: "str",
    OptionType.Path: "_Path",
    OptionType.Paths: "_Path | Sequence[_Path]",
    OptionType.Integer: "int",
    OptionType.Number: "float | str",
    OptionType.Integers: "int | str | Sequence[int]",
    OptionType.Numbers: "float | str | Sequence[float]",
    OptionType.ByteCount: "int | str",
    OptionType.ByteCounts: "int | str | Sequence[int | str]",
    OptionType.Count: "float | str",
    OptionType.Duration: "str",
    OptionType.Ratio: "float | str",
    OptionType.Globs: "str | Sequence[str]",
    OptionType.NamedShape: "str | Sequence[str] | Mapping[str, Sequence[int]]",
    OptionType.NamedWidths: "str | Sequence[str] | Mapping[str, int | Sequence[int]]",
    OptionType.Widths: (
        "int | str | Sequence[int] | Sequence[str] | Mapping[str, int | Sequence[int]]"
    ),
}
