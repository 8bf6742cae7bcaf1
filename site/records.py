"""Functions of the Python module as Sphinx shows them. They are made from option records: their docstrings are plain text, which Sphinx would
read as reStructuredText, and their signatures have up to sixty keywords, which are shown in the list of parameters instead."""

import inspect
import re

MOST_KEYWORDS = 8
LONGEST_TYPE = 40


def _parameters(function) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def _facts(parameter: inspect.Parameter) -> str:
    """ "int, 64 by default" """
    facts = []
    if isinstance(parameter.annotation, str) and len(parameter.annotation) <= LONGEST_TYPE:
        facts.append(re.sub(r"\b_", "", parameter.annotation).removesuffix(" | None"))
    if parameter.default not in (inspect.Parameter.empty, None, False):
        facts.append(f"default {parameter.default!r}")
    return ", ".join(facts)


def _plain(app, what: str, name: str, function, options, lines: list[str]) -> None:
    parameters = _parameters(function) if what == "function" else {}
    for i, line in enumerate(lines):
        escaped = re.sub(r"([*|])", r"\\\1", re.sub(r"(?<=\w)_(?!\w)", r"\\_", line))
        named = re.fullmatch(r"    (\w+)(\\_)?: (.*)", escaped)
        if named and (facts := _facts(parameters[named[1]]) if named[1] in parameters else ""):
            escaped = f"    {named[1]} ({facts}): {named[3]}"
        lines[i] = escaped


def _short(app, what: str, name: str, function, options, signature: str | None, returns: str | None):
    parameters = _parameters(function) if what == "function" else {}
    if len(parameters) <= MOST_KEYWORDS:
        return None
    positional = [p.name for p in parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    required = [p.name for p in parameters.values() if p.kind == p.KEYWORD_ONLY and p.default is p.empty]
    return f"({', '.join([*positional, '*', *required, '...'])})", returns


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", _plain, priority=100)  # before napoleon, which writes markup
    app.connect("autodoc-process-signature", _short)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
