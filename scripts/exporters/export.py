"""Exports networks in one process, which imports torch once: export.py FOLDER NAME:EXPORTER,...

Writes NAME/EXPORTER.onnx and NAME/samples.npz below FOLDER, and says {"name", "exporter", "error", "seconds"} on a line of its
own for each file.
"""
import json
import logging
import os
import sys
import time
import warnings

import numpy as np
import torch

from catalog import NETWORKS

SAMPLES = 24


def vary_constants(module, generator):
    """Initializes parameters as in trained networks. Fresh networks have constant ones and zeros, and some multiply whole branches by zero,
    or have such small weights that only biases matter."""
    least_gain = 0.3
    with torch.no_grad():
        for name, value in module.named_parameters():
            if value.numel() < 2:
                continue
            if value.std() > 0:
                gain = value.std() * (value.numel() / value.shape[0]) ** 0.5
                if value.dim() > 1 and gain < least_gain:
                    value.mul_(least_gain / gain)
                continue
            noise = torch.rand(value.shape, generator=generator)
            if name.endswith('bias') or name.endswith('beta'):
                value.copy_(0.2 * noise - 0.1)
            else:
                value.copy_(0.6 + 0.6 * noise)


def measure_norms(module, inputs):
    """Sets the statistics of batch normalization to those of the samples, as after training."""
    norms = [part for part in module.modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        module(*inputs)
    module.eval()


def export(module, inputs, exporter, path):
    names = list(inputs)
    batch = 1 if exporter == 'batch1' else 2
    example = tuple(value[:batch].clone() for value in inputs.values())
    with torch.no_grad():
        if exporter == 'legacy':
            torch.onnx.export(module, example, path, dynamo=False, input_names=names, output_names=['output'],
                              dynamic_axes={name: {0: 'batch'} for name in [*names, 'output']})
        elif exporter == 'open':
            torch.onnx.export(module, example, path, input_names=names, verbose=False,
                              dynamic_shapes=tuple({0: 'batch'} for _ in names))
        else:
            torch.onnx.export(module, example, path, input_names=names, verbose=False)


def prepare(network, folder):
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    module = network.make().eval()
    inputs = network.inputs(generator, SAMPLES)
    vary_constants(module, generator)
    measure_norms(module, tuple(inputs.values()))
    np.savez(os.path.join(folder, 'samples.npz'), **{name: value.numpy() for name, value in inputs.items()})
    return module, inputs


def export_all(name, exporters, folder, say):
    module = None
    for exporter in exporters:
        start = time.monotonic()
        error = None
        try:
            if module is None:
                os.makedirs(folder, exist_ok=True)
                module, inputs = prepare(NETWORKS[name], folder)
            export(module, inputs, exporter, os.path.join(folder, exporter + '.onnx'))
        except Exception as caught:  # torch's exporters raise any kind of exception
            cause = caught.__cause__ or caught
            lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or ['']
            error = f'{type(cause).__name__}: {lines[0]}'
        say({'name': name, 'exporter': exporter, 'error': error, 'seconds': round(time.monotonic() - start, 1)})


def main():
    warnings.filterwarnings('ignore')
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    # Output of libraries must not mix with the answers.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)

    def say(answer):
        print(json.dumps(answer), file=answers, flush=True)

    for argument in sys.argv[2:]:
        name, exporters = argument.split(':')
        export_all(name, exporters.split(','), os.path.join(sys.argv[1], name), say)


if __name__ == '__main__':
    main()
