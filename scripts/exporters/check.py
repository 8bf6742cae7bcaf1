"""The checks of one exported file: inspect, quantize in two ways, ONNX Runtime, comparison."""
import json
import math
import os
import shutil
import subprocess
import time

import numpy as np
import onnxruntime

# ompq's float outputs differ from ONNX Runtime's only by rounding: a relative error of 0.001.
LEAST_FLOAT_DB = 60
# Weights of 8 bits give 40 to 50 dB per layer, and tens of layers with random weights amplify the noise. A wrong graph
# gives about 0.
LEAST_EIGHT_BIT_DB = 10
# For a network that amplifies more, ONNX Runtime must agree with what ompq measured before writing the file; on other samples of
# the same kind, the two differ by at most this.
MOST_DIFFERENCE_DB = 3
# Two runtimes round some values between two codes differently; that is less than the quantization noise.
LEAST_CODES_DB = 15

MEASUREMENT = ['--samples', '8', '--limit', '8', '--method', 'nearest', '--time-limit', '1s', '--beside', 'none',
               '--threads', '1', '--quiet', '--json']


class Failed(Exception):
    """A failed step and the reason."""

    def __init__(self, step, why):
        super().__init__(f'{step}: {why}')
        self.step = step
        self.why = why


class Checker:
    def __init__(self, ompq, folder, limit):
        self.ompq = ompq
        self.folder = folder
        self.limit = limit
        self.model = ''

    def run_ompq(self, step, *arguments):
        command = [self.ompq, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.limit, check=False)
        except subprocess.TimeoutExpired:
            raise Failed(step, f'took more than {self.limit} s') from None
        if done.returncode != 0:
            message = done.stderr.strip() or f'exit status {done.returncode}'
            raise Failed(step, shorten(message, self.folder))
        return json.loads(done.stdout) if done.stdout.strip().startswith('{') else None

    def check(self, exporter, quick=False):
        """@returns the record of one file: the measurements, and `failed` and `why` if a step failed."""
        record = {}
        start = time.monotonic()
        model = os.path.join(self.folder, exporter + '.onnx')
        try:
            self.go_through(model, record)
            if not quick:
                self.go_through_default(model, record)
        except Failed as failed:
            record['failed'] = failed.step
            record['why'] = failed.why
        record['check_seconds'] = round(time.monotonic() - start, 1)
        return record

    def go_through(self, model, record):
        samples = os.path.join(self.folder, 'samples.npz')
        record['float_bytes'] = size_of(model)
        layers = self.run_ompq('inspect', 'inspect', model, '--json', '--quiet')
        record['layers'] = len(layers.get('layers', []))
        reference = run_in_onnxruntime('ONNX Runtime, float', model, samples)
        record['float_db'] = self.compare_with_ompq('eval, float', model, samples, reference)
        require('float outputs', record['float_db'], LEAST_FLOAT_DB)

        quantized = model.removesuffix('.onnx') + '-uniform.onnx'
        result = self.run_ompq('quantize, uniform', 'quantize', model, '--data', samples, '--allocator', 'uniform', '--avg-bits',
                               '8', '--act-bits', 'float', '-o', quantized, *MEASUREMENT)
        outputs = run_in_onnxruntime('ONNX Runtime, uniform', quantized, samples)
        record['eight_bit_db'] = least_db(reference, outputs)
        measured = result.get('evaluation', {}).get('snr_db')
        if record['eight_bit_db'] < LEAST_EIGHT_BIT_DB and measured is not None:
            record['measured_db'] = round(measured, 1)
            require('outputs at 8 bits, compared with ompq', record['eight_bit_db'], measured - MOST_DIFFERENCE_DB)
            require('outputs at 8 bits', record['eight_bit_db'], 0)
        else:
            require('outputs at 8 bits', record['eight_bit_db'], LEAST_EIGHT_BIT_DB)

    def go_through_default(self, model, record):
        samples = os.path.join(self.folder, 'samples.npz')
        reference = run_in_onnxruntime('ONNX Runtime, float', model, samples)
        quantized = model.removesuffix('.onnx') + '-default.onnx'
        result = self.run_ompq('quantize, default', 'quantize', model, '--data', samples, '--avg-bits', '5',
                               '--candidates', '4,6', '-o', quantized, *MEASUREMENT)
        record['dropped'] = {one['metric']: one['reason'] for one in result.get('dropped', [])}
        record['bytes'] = size_of(quantized)
        outputs = run_in_onnxruntime('ONNX Runtime, default', quantized, samples)
        record['five_bit_db'] = least_db(reference, outputs)
        record['codes_db'] = self.compare_with_ompq('eval, default', quantized, samples, outputs)
        require('quantized outputs', record['codes_db'], min(LEAST_CODES_DB, record['five_bit_db']))

    def compare_with_ompq(self, step, model, samples, outputs):
        """Signal-to-noise ratio of ompq's first output."""
        path = os.path.join(self.folder, 'outputs.npz')
        self.run_ompq(step, 'eval', model, '--data', samples, '--save-outputs', path, '--threads', '1', '--quiet', '--json')
        got = np.load(path)['logits']
        return signal_to_noise(outputs[0], got.reshape(outputs[0].shape))

    def clean(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def shorten(message, folder):
    lines = [line.strip() for line in message.replace(folder + os.sep, '').splitlines() if line.strip()]
    return ' '.join(lines)[:600]


def size_of(model):
    return sum(os.path.getsize(path) for path in (model, model + '.data') if os.path.exists(path))


def require(what, value, least):
    if not value >= least:
        raise Failed('comparison', f'{what}: {value:.0f} dB, expected at least {least:.0f}')


def signal_to_noise(wanted, got):
    wanted = wanted.astype(np.float64)
    noise = np.sum((wanted - got) ** 2)
    signal = np.sum(wanted ** 2)
    if not math.isfinite(noise) or not math.isfinite(signal):
        return -999.0
    return round(10 * math.log10(max(signal, 1e-300) / max(noise, signal * 1e-20, 1e-300)), 1)


def least_db(wanted, got):
    return min(signal_to_noise(one, other) for one, other in zip(wanted, got, strict=True)
               if np.issubdtype(one.dtype, np.floating))


def run_in_onnxruntime(step, model, samples):
    """All outputs for all samples, one array per output, with the file's batch, or all samples at once if it is open."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
        arrays = np.load(samples)
        count = len(arrays[arrays.files[0]])
        inputs = session.get_inputs()
        batch = inputs[0].shape[0] if isinstance(inputs[0].shape[0], int) else count
        parts = [session.run(None, {one.name: arrays[one.name][at:at + batch] for one in inputs})
                 for at in range(0, count - count % batch, batch)]
    except Exception as error:  # ONNX Runtime has a class for each of its codes
        raise Failed(step, shorten(str(error), os.path.dirname(model))) from None
    return [np.concatenate(list(output)) for output in zip(*parts)]
