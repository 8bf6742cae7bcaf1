"""Functions, keywords, stub and results agree with each other and with the program."""

import ast
import inspect
import json
import pathlib
import pickle
import re
import types
import typing

import pytest

import ompq
from conftest import QUICK
from ompq import errors, results
from ompq._record import Record

FUNCTIONS = {
    name: value
    for name, value in vars(ompq).items()
    if inspect.isfunction(value) and name in ompq.__all__
}
COMMANDS = {name: {"evaluate": "eval"}.get(name, name.replace("_", "-")) for name in FUNCTIONS}
ONLY_IN_PYTHON = ("labels", "evaluate", "example_input", "progress")
STUB = ast.parse((pathlib.Path(ompq.__file__).parent / "__init__.pyi").read_text())


def test_every_command_that_runs_networks_is_a_function(program):
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", program("--help").stdout, re.MULTILINE)
    assert [COMMANDS[name] for name in FUNCTIONS] == [
        command for command in listed if command not in ("report", "demo", "completion")
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_keywords_are_the_options_of_the_command(name, program):
    options = re.findall(
        r"^  (?:-\w, )?--([a-z-]+)", program(COMMANDS[name], "--help").stdout, re.MULTILINE
    )
    options = [option for option in options if option not in ("json", "quiet", "verbose", "help")]
    taken = list(inspect.signature(FUNCTIONS[name]).parameters.values())
    keywords = [parameter.name for parameter in taken if parameter.kind == parameter.KEYWORD_ONLY]
    keywords = [keyword for keyword in keywords if keyword not in ONLY_IN_PYTHON]
    assert sorted(keyword.rstrip("_").replace("_", "-") for keyword in keywords) == sorted(options)
    for keyword in keywords:
        assert f"    {keyword}: " in FUNCTIONS[name].__doc__


def test_stub_lists_the_names_of_the_module():
    listed = {node.name for node in STUB.body if isinstance(node, ast.FunctionDef)}
    for node in STUB.body:
        if isinstance(node, ast.ImportFrom):
            listed |= {
                alias.asname or alias.name for alias in node.names if node.module.startswith("ompq")
            }
        if isinstance(node, ast.AnnAssign):
            listed.add(node.target.id)
    public = {
        name
        for name, value in vars(ompq).items()
        if not name.startswith("_")
        and not (isinstance(value, types.ModuleType) and value is not results)
    }
    assert listed == public | {"__version__"}
    assert listed - {"ImportError"} == set(ompq.__all__)
    assert {name for name, value in vars(errors).items() if isinstance(value, type)} <= listed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_stub_lists_the_keywords_of_the_function(name):
    stub = next(
        node for node in STUB.body if isinstance(node, ast.FunctionDef) and node.name == name
    )
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    operands = [
        parameter for parameter in parameters if parameter.kind == parameter.POSITIONAL_OR_KEYWORD
    ]
    keywords = [parameter for parameter in parameters if parameter.kind == parameter.KEYWORD_ONLY]
    assert [argument.arg for argument in stub.args.args] == [
        parameter.name for parameter in operands
    ]
    assert [argument.arg for argument in stub.args.kwonlyargs] == [
        parameter.name for parameter in keywords
    ]
    for argument, default, parameter in zip(
        stub.args.kwonlyargs, stub.args.kw_defaults, keywords, strict=True
    ):
        required = parameter.default is parameter.empty
        assert (default is None) == required
        assert required or ast.literal_eval(default) == parameter.default
        assert ast.unparse(argument.annotation) == ast.unparse(
            ast.parse(parameter.annotation).body[0].value
        )
    assert ast.unparse(stub.returns) == f"results.{results.BY_FUNCTION[name].__name__}"


def misfits(value, kind, place: str) -> list[str]:
    """Where a value is not of the declared type: keys too many or too few, and wrong types."""
    origin = typing.get_origin(kind)
    if kind is typing.Any:
        return []
    if origin is typing.Union:
        return (
            []
            if any(not misfits(value, part, place) for part in typing.get_args(kind))
            else [place]
        )
    if isinstance(kind, type) and issubclass(kind, Record):
        declared = typing.get_type_hints(kind)
        found = [f"{place}.{name} is missing" for name in kind.REQUIRED - value.keys()]
        if type(value) not in (kind, dict):
            found.append(f"{place} is a {type(value).__name__}")
        found += [f"{place}.{name} is not declared" for name in value.keys() - declared.keys()]
        for name in value.keys() & declared.keys():
            found += misfits(value[name], declared[name], f"{place}.{name}")
        return found
    if origin is list:
        return [
            text for item in value for text in misfits(item, typing.get_args(kind)[0], f"{place}[]")
        ]
    if origin is dict:
        return [
            text
            for item in value.values()
            for text in misfits(item, typing.get_args(kind)[1], f"{place}{{}}")
        ]
    fits = isinstance(value, (int, float) if kind is float else kind)
    return [] if fits else [f"{place}: {value!r} is no {kind}"]


@pytest.fixture(scope="module")
def made(model, images, labels, tmp_path_factory):
    """A result of every function."""
    folder = tmp_path_factory.mktemp("made")
    data = (images, labels)
    small = folder / "small.onnx"
    few = {"data": data, "samples": 8}
    return {
        "inspect": ompq.inspect(model),
        "search": ompq.search(model, avg_bits=3, allocator="auto", time_limit="1s", **few),
        "quantize": ompq.quantize(
            model, data=data, output=small, avg_bits=3, explain=True, **QUICK
        ),
        "finetune": ompq.finetune(
            model,
            output=folder / "tuned.onnx",
            avg_bits=4,
            allocator="uniform",
            limit=8,
            epochs=1,
            start="nearest",
            train_samples=16,
            **few,
        ),
        "compare": ompq.compare(
            model,
            avg_bits=3,
            allocators=["uniform", "weight-mse"],
            random=2,
            limit=8,
            journal=folder / "journal",
            **few,
        ),
        "sweep": ompq.sweep(model, points=3, metric="weight-mse", pick=200_000, **few),
        "latency_table": ompq.latency_table(model, output=folder / "table.csv"),
        "evaluate": ompq.evaluate(small, data=data, reference=model, limit=8),
        "diff": ompq.diff(model, small, **few),
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_result_is_of_its_declared_type(name, made):
    assert type(made[name]) is results.BY_FUNCTION[name]
    assert misfits(made[name], results.BY_FUNCTION[name], name) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_result_is_json_and_pickles(name, made):
    document = json.loads(json.dumps(made[name]))
    assert document == made[name]
    copied = pickle.loads(pickle.dumps(made[name]))
    assert copied == made[name] and type(copied) is type(made[name])


def test_fields_are_attributes(made):
    result = made["quantize"]
    assert result.bytes_on_disk == result["bytes_on_disk"]
    assert type(result.networks[0]) is type(result["networks"][0]) is results.QuantizedRow
    assert result.networks[0].evaluation.agreement == result["networks"][0]["evaluation"]["agreement"]
    assert result.samples.skipped is None and "skipped" not in result.samples
    with pytest.raises(AttributeError, match="this SamplesUsed has no field 'count'"):
        results.SamplesUsed({"seed": 0}).count  # noqa: B018
    assert not hasattr(result, "bytes_in_memory")
    assert "networks" in dir(result)


def test_check_of_types_sees_what_is_wrong():
    model = {"file": "a", "sha256": "b", "bytes": 1}
    assert misfits(model, results.ModelFile, "m") == []
    assert misfits({**model, "bytes": "1"}, results.ModelFile, "m") == [
        "m.bytes: '1' is no <class 'int'>"
    ]
    assert misfits({**model, "extra": 1}, results.ModelFile, "m") == ["m.extra is not declared"]
    assert misfits({"file": "a", "bytes": 1}, results.ModelFile, "m") == ["m.sha256 is missing"]
