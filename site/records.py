"""Texts that are made from option records, as Sphinx shows them. They are plain text: `*` is not emphasis, and `--size` is one word. The signatures of
functions have up to sixty keywords, which are shown in the list of parameters instead."""

import inspect
import re

from docutils import nodes

MOST_KEYWORDS = 8
LONGEST_TYPE = 40
OPTION = re.compile(r"((?<![\w-])--[a-z][a-z0-9-]*)")
PAGES = ("docs/cli", "site/reference/python")


def _parameters(function) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def _facts(parameter: inspect.Parameter | None) -> str:
    """ "int, default 64" """
    if parameter is None:
        return ""
    facts = []
    if isinstance(parameter.annotation, str) and len(parameter.annotation) <= LONGEST_TYPE:
        facts.append(re.sub(r"\b_", "", parameter.annotation).removesuffix(" | None"))
    if parameter.default not in (inspect.Parameter.empty, None, False):
        facts.append(f"default {parameter.default!r}")
    return ", ".join(facts)


def _escaped(text: str) -> str:
    return re.sub(r"([*|])", r"\\\1", re.sub(r"(?<=\w)_(?!\w)", r"\\_", text))


def _marked_up(app, what: str, name: str, described, options, lines: list[str]) -> None:
    """`Parameters:` and its lines, `    name: text`, become a list of fields."""
    if what == "module" and name == "ompq":
        lines.clear()  # docs/python.md says the same with more words
    parameters = _parameters(described) if what == "function" else {}
    in_parameters = False
    for i, line in enumerate(lines):
        lines[i] = _escaped(line)
        if what == "function" and line == "Parameters:":
            in_parameters = True
            lines[i] = ""
        elif in_parameters and (field := re.fullmatch(r"    (\w+): (.*)", line)):
            lines[i] = f":param {field[1]}: {_escaped(field[2])}"
            if facts := _facts(parameters.get(field[1])):
                lines[i] += f"\n:type {field[1]}: {_escaped(facts)}"
    lines[:] = "\n".join(lines).split("\n")


def _short(app, what: str, name: str, described, options, signature: str | None, returns: str | None):
    parameters = _parameters(described) if what == "function" else {}
    if len(parameters) <= MOST_KEYWORDS:
        return None
    positional = [p.name for p in parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    required = [p.name for p in parameters.values() if p.kind == p.KEYWORD_ONLY and p.default is p.empty]
    return f"({', '.join([*positional, '*', *required, '...'])})", returns


def _skipped(app, what: str, name: str, described, skip: bool, options) -> bool | None:
    """Exceptions are shown where they are defined, in ompq.errors, and not again in ompq."""
    is_exception = isinstance(described, type) and issubclass(described, BaseException)
    return True if is_exception and app.env.current_document.autodoc_module == "ompq" else None


def _options_as_code(app, doctree) -> None:
    if app.env.docname not in PAGES:
        return
    for text in list(doctree.findall(nodes.Text)):
        parts = [": "] if text == " -- " else OPTION.split(text.astext())  # what Sphinx puts between a parameter and its text
        if parts != [text] and type(text.parent) in (nodes.paragraph, nodes.inline):
            text.parent.replace(text, [nodes.literal("", part) if i % 2 else nodes.Text(part) for i, part in enumerate(parts) if part])


def setup(app) -> dict:
    app.connect("autodoc-process-docstring", _marked_up)
    app.connect("autodoc-process-signature", _short)
    app.connect("autodoc-skip-member", _skipped)
    app.connect("doctree-read", _options_as_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
