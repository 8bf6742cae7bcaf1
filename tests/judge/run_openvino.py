"""Runs networks in OpenVINO on the CPU, many in one process: the same jobs as run_jobs.py.

run_openvino.py JOBS.json

A job's "optimization" is not read. Next to the outputs, in OUTPUTS.layers, is a JSON list of the layers that run, as compiled:
{"type", "precision", "names"}, with the names of the network's nodes that each of them computes.
"""
import json
import sys

import openvino

from tensors import read_tensors, write_tensors

# One stream and thread, as for the other runtimes. float32 where layers are not on integers: by default OpenVINO rounds
# activations to bfloat16 on processors that support it.
SETTINGS = {'INFERENCE_NUM_THREADS': 1, 'NUM_STREAMS': 1, 'INFERENCE_PRECISION_HINT': 'f32'}


def layers_of(compiled):
    layers = []
    for node in compiled.get_runtime_model().get_ops():
        facts = node.get_rt_info()
        names = facts['originalLayersNames'].astype(str)
        layers.append({
            'type': facts['layerType'].astype(str),
            'precision': facts['runtimePrecision'].astype(str),
            'names': [name for name in names.split(',') if name],
        })
    return layers


def run(core, job):
    compiled = core.compile_model(core.read_model(job['model']), 'CPU', SETTINGS)
    results = compiled(read_tensors(job['inputs']))
    write_tensors(job['outputs'], [(output.get_any_name(), results[output]) for output in compiled.outputs])
    with open(job['outputs'] + '.layers', 'w', encoding='utf-8') as stream:
        json.dump(layers_of(compiled), stream)


def main():
    with open(sys.argv[1], encoding='utf-8') as stream:
        jobs = json.load(stream)
    core = openvino.Core()
    answers = []
    for job in jobs:
        try:
            run(core, job)
            answers.append(None)
        except Exception as error:  # OpenVINO has a class for each of its codes
            answers.append(str(error) or type(error).__name__)
    print(json.dumps(answers))


if __name__ == '__main__':
    main()
