"""Formulas as HTML and MathML, rendered by KaTeX when the site is built, so that pages need no scripts and no network for them."""

import functools
import json
import pathlib
import subprocess

from docutils import nodes
from sphinx.errors import ExtensionError


@functools.cache
def _renderer() -> subprocess.Popen:
    script = pathlib.Path(__file__).with_suffix(".mjs")
    return subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@functools.cache
def _rendered(tex: str, block: bool) -> dict:
    process = _renderer()
    process.stdin.write(json.dumps({"tex": tex, "block": block}) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline() or '{"error": "node ended"}')


def _html(node: nodes.Element, block: bool) -> str:
    answer = _rendered(node.astext(), block)
    if "error" in answer:
        raise ExtensionError(f"{node.source}:{node.line}: formula '{node.astext()}': {answer['error']}")
    return answer["html"]


def _inline(writer, node: nodes.math) -> None:
    writer.body.append(_html(node, block=False))
    raise nodes.SkipNode


def _block(writer, node: nodes.math_block) -> None:
    writer.body.append(writer.starttag(node, "div", CLASS="formula") + _html(node, block=True) + "</div>\n")
    raise nodes.SkipNode


def setup(app) -> dict:
    app.add_html_math_renderer("katex", inline_renderers=(_inline, None), block_renderers=(_block, None))
    app.config.html_math_renderer = "katex"
    return {"parallel_read_safe": True, "parallel_write_safe": False}
