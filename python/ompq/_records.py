"""The commands of ompq and their options: what the program prints with `--print-docs records`."""

from __future__ import annotations

import json
import pathlib

_FILE = pathlib.Path(__file__).with_name("_records.json")


class OptionType:
    """The type of an option's value, as in src/ompq/options/options.h."""

    Flag = "Flag"
    Text = "Text"
    Path = "Path"
    Paths = "Paths"
    Choice = "Choice"
    Choices = "Choices"
    Integer = "Integer"
    Number = "Number"
    Integers = "Integers"
    Numbers = "Numbers"
    ByteCount = "ByteCount"
    ByteCounts = "ByteCounts"
    Count = "Count"
    Duration = "Duration"
    Ratio = "Ratio"
    Globs = "Globs"
    NamedShape = "NamedShape"
    NamedWidths = "NamedWidths"
    Widths = "Widths"


class OptionRecord:
    """One option or operand of a command."""

    def __init__(self, record: dict):
        self.name: str = record["name"]
        self.type: str = record["type"]
        self.value_name: str = record["value_name"]
        self.fallback: str = record["fallback"]
        self.choices: list[str] = record["choices"]
        self.accepted_values: str = record["accepted_values"]
        self.required: bool = record["required"]
        self.group: str = record["group"]
        self.text: str = record["text"]
        if record["default_text"] != self.fallback:
            # It depends on another option, so it cannot be the default of a keyword.
            self.text += "; by default " + record["default_text"]


class CommandRecord:
    """A command of the program."""

    def __init__(self, record: dict):
        self.name: str = record["name"]
        self.function: str = record["function"]
        self.summary: str = record["summary"]
        self.description: str = record["description"]
        self.runs_networks: bool = record["runs_networks"]
        self.operands = [OptionRecord(operand) for operand in record["operands"]]
        self.options = [OptionRecord(option) for option in record["options"]]


def command_table() -> list[CommandRecord]:
    """Every command, in the order of the program's help."""
    return [CommandRecord(record) for record in _DOCUMENT["commands"]]


def nearest(text: str, candidates: list[str]) -> str:
    """The candidate most similar to text, or "" if none is similar enough for a typing error."""
    import difflib  # only for those who made one

    return next(iter(difflib.get_close_matches(text, candidates, 1, 0.75)), "")


def _read() -> dict:
    try:
        return json.loads(_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ImportError(
            f"{_FILE} is missing: it is made when ompq is built. Run 'make install' or install the "
            "wheel, and import that package instead of the one in the source tree"
        ) from None


_DOCUMENT = _read()
version: str = _DOCUMENT["version"]
