"""Modules of torch as ONNX files."""

from __future__ import annotations

import importlib.util
import inspect
import pathlib
from collections.abc import Mapping

OPSET = 17


def is_module(value: object) -> bool:
    """A torch.nn.Module, told by what it can do, so that torch need not be there."""
    return callable(value) and hasattr(value, "forward") and hasattr(value, "state_dict")


def export(module: object, example_input: object, file: pathlib.Path) -> None:
    """Writes the module as it is for inference, with an open batch dimension.

    `example_input` is a tensor, a tuple of tensors, or a dict of them by the names of forward's
    parameters. Inputs get the names of these parameters.
    """
    try:
        import torch
    except ImportError:
        raise ImportError(
            "a torch module can only be quantized where torch is installed; run 'pip install torch', "
            "or give the path of an ONNX file"
        ) from None
    names, arguments = _arguments(module, example_input)
    options = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # the other exporter needs onnxscript
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            torch.onnx.export(
                module,
                arguments,
                str(file),
                input_names=names,
                dynamic_axes={name: {0: "batch"} for name in names},
                opset_version=OPSET,
                **options,
            )
    except Exception as error:
        if importlib.util.find_spec("onnx") is not None:
            raise
        raise ImportError(
            f"torch {torch.__version__} could not export the module ({error}); its exporter needs the "
            "package onnx: run 'pip install onnx'"
        ) from error
    finally:
        module.train(training)


def _arguments(module: object, example_input: object) -> tuple:
    """The names of the inputs and the values to call forward with."""
    parameters = list(inspect.signature(module.forward).parameters)
    if isinstance(example_input, Mapping):
        unknown = [name for name in example_input if name not in parameters]
        if unknown:
            raise TypeError(
                f"example_input: forward() has no parameter '{unknown[0]}'; it has "
                f"{', '.join(parameters)}"
            )
        # torch.onnx takes values by position and, as a dict at the end, by name.
        return [name for name in parameters if name in example_input], (dict(example_input),)
    values = tuple(example_input) if isinstance(example_input, (tuple, list)) else (example_input,)
    names = parameters[: len(values)]
    if len(names) < len(values):  # forward(*inputs)
        names = [f"input{i}" for i in range(len(values))]
    return names, values
