"""Runs networks in ONNX Runtime on the CPU, many in one process: the same jobs as `run.mjs --jobs`.

run_jobs.py JOBS.json

JOBS.json is a list of {"model", "inputs", "outputs", "optimization"}: three files, and disabled, basic, extended,
layout or all.
Prints a list with null for each job that ran, or else ONNX Runtime's message.
"""
import json
import sys

import onnxruntime as ort

from tensors import read_tensors, write_tensors

LEVELS = {
    'disabled': ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    'basic': ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    'extended': ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    'layout': ort.GraphOptimizationLevel.ORT_ENABLE_LAYOUT,
    'all': ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def run(job):
    options = ort.SessionOptions()
    options.graph_optimization_level = LEVELS[job['optimization']]
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(job['model'], options, providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    write_tensors(job['outputs'], list(zip(names, session.run(names, read_tensors(job['inputs'])))))


def main():
    with open(sys.argv[1], encoding='utf-8') as stream:
        jobs = json.load(stream)
    answers = []
    for job in jobs:
        try:
            run(job)
            answers.append(None)
        except Exception as error:  # ONNX Runtime has a class for each of its codes
            answers.append(str(error) or type(error).__name__)
    print(json.dumps(answers))


if __name__ == '__main__':
    main()
