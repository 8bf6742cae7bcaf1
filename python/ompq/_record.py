"""The base of the types in ompq.results: dicts whose fields are attributes, too."""

from __future__ import annotations

import typing


class _Field:
    """Reads a field of a record as an attribute."""

    def __init__(self, name: str, optional: bool):
        self.name = name
        self.optional = optional

    def __get__(self, record, owner=None):
        if record is None:
            return self
        try:
            return record[self.name]
        except KeyError:
            if self.optional:
                return None
        raise AttributeError(f"this {type(record).__name__} has no field '{self.name}'")

    def __set__(self, record, value):
        record[self.name] = value


class Record(dict):
    """A part of a result: a dict, so JSON, whose fields are attributes, too. Fields that a result
    does not have are missing in the dict, and None as attributes."""

    REQUIRED: typing.ClassVar[frozenset[str]] = frozenset()
    """Names of the fields that are always there."""
    OPTIONAL: typing.ClassVar[frozenset[str]] = frozenset()
    """Names of the fields that may be missing."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        names = [name for name in cls.__dict__.get("__annotations__", {}) if name.islower()]
        cls.OPTIONAL = frozenset(name for name in names if name in cls.__dict__)
        cls.REQUIRED = frozenset(names) - cls.OPTIONAL
        for name in names:
            if not hasattr(dict, name):  # a method of dict keeps its meaning
                setattr(cls, name, _Field(name, name in cls.OPTIONAL))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        hints = _hints(type(self))
        for name, value in self.items():
            if name in hints:
                self[name] = _typed(value, hints[name])

    def __dir__(self):
        return sorted({*super().__dir__(), *self})


_HINTS: dict[type, dict] = {}


def _hints(cls: type) -> dict:
    """The types of the fields, resolved once for each class."""
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    return _HINTS[cls]


def _typed(value: object, hint: object) -> object:
    """A value of JSON with its dicts as records."""
    if typing.get_origin(hint) is typing.Union:  # Optional
        hint = typing.get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint(value) if isinstance(value, dict) else value
    arguments = typing.get_args(hint)
    if isinstance(value, list) and arguments:
        return [_typed(item, arguments[0]) for item in value]
    if isinstance(value, dict) and len(arguments) == 2:
        return {name: _typed(item, arguments[1]) for name, item in value.items()}
    return value


class Result(Record):
    """What a function returns. In a notebook it is shown as a table and, for results of search,
    quantize, finetune, compare and sweep, as the page of `ompq report`."""

    def _repr_html_(self) -> str:
        from ompq._html import result_html

        return result_html(self)
