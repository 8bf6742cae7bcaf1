"""The results as a Markdown page."""
import importlib.metadata
import platform
import re
import subprocess

from catalog import NETWORKS
from check import LEAST_CODES_DB, LEAST_EIGHT_BIT_DB, LEAST_FLOAT_DB, MOST_DIFFERENCE_DB

PACKAGES = ('torch', 'torchvision', 'timm', 'transformers', 'onnx', 'onnxscript', 'onnxruntime')
EXPORTERS = {'batch1': 'default, batch 1', 'open': 'default, open batch', 'legacy': 'legacy'}

UNIFORM_ONLY = 'uniform only'  # with --quick


def outcome(record):
    """One line per file."""
    if 'export_error' in record:
        return 'not exported: ' + record['export_error'][:200]
    if 'failed' in record:
        return f"{record['failed']}: {record['why']}"
    said = [f'{what} {record[key]} dB' for what, key in (('float', 'float_db'), ('8 bits', 'eight_bit_db'),
                                                         ('5 bits', 'five_bit_db'), ('codes', 'codes_db')) if key in record]
    return 'accepted: ' + ', '.join(said)


def cell(record):
    if record is None:
        return 'not tried'
    if 'export_error' in record:
        return 'not exported'
    if 'failed' in record:
        return 'refused' if record['failed'] != 'comparison' else 'differs'
    return f"{record['five_bit_db']:.0f} dB" if 'codes_db' in record else UNIFORM_ONLY


def kilobytes(records, key):
    sizes = [record[key] for record in records.values() if key in record]
    return f'{max(sizes) / 1000:,.0f}' if sizes else ''


def clean(text):
    return re.sub(r'\s+', ' ', text).replace('|', '\\|').strip()


def rows_of(results):
    for name, network in NETWORKS.items():
        records = results.get(name, {})
        if not records:
            continue
        layers = [record['layers'] for record in records.values() if 'layers' in record]
        cells = [cell(records.get(exporter)) for exporter in EXPORTERS]
        yield f"| {name} | {network.library} | {max(layers, default='')} | {kilobytes(records, 'float_bytes')} | " \
              f"{kilobytes(records, 'bytes')} | {' | '.join(cells)} |"


def reasons_of(results):
    for name in NETWORKS:
        said = {}
        for exporter, title in EXPORTERS.items():
            record = results.get(name, {}).get(exporter, {})
            if 'export_error' in record or 'failed' in record:
                said.setdefault(clean(outcome(record)), []).append(title)
        for reason, titles in said.items():
            yield f"| {name} | {'; '.join(titles)} | {reason} |"


def dropped_of(results):
    """Metrics that the default could not measure, with networks and reason; without output-kl, which is only for class scores."""
    found = {}
    for name in NETWORKS:
        for record in results.get(name, {}).values():
            for metric, reason in record.get('dropped', {}).items():
                if metric != 'output-kl':
                    found.setdefault((metric, clean(reason)), {})[name] = None
    for (metric, reason), names in found.items():
        yield f"| {metric} | {', '.join(names)} | {reason} |"


def versions_of(ompq):
    said = subprocess.run([ompq, '--version'], capture_output=True, text=True, check=False).stdout.strip().splitlines()
    names = [f'{name} {importlib.metadata.version(name)}' for name in PACKAGES]
    return ', '.join([said[0] if said else 'ompq', f'Python {platform.python_version()}', *names])


def count(results):
    """For each exporter the number of exported networks, of accepted ones, and of those accepted also with the default allocator."""
    for exporter, title in EXPORTERS.items():
        records = [records[exporter] for records in results.values() if exporter in records]
        exported = [record for record in records if 'export_error' not in record]
        accepted = [record for record in exported if 'failed' not in record]
        tried = sum('codes_db' in record for record in accepted)
        yield f'| {title} | {len(exported)} | {len(accepted)} | {tried} |'


def page(results, ompq):
    reasons = list(reasons_of(results))
    lines = [
        '# Networks by exporter', '',
        f'Written by `scripts/check_exporters` with {versions_of(ompq)}.', '',
        "Each network has random weights and is exported by torch's default exporter with batch 1 and with an open batch, and by "
        'its legacy exporter (`dynamo=False`) with an open batch. Each file goes through', '',
        '- `ompq inspect`;',
        f'- `ompq eval` and ONNX Runtime, whose outputs must agree to {LEAST_FLOAT_DB} dB;',
        '- `ompq quantize --allocator uniform` to 8 bits with float activations, which must keep '
        f'{LEAST_EIGHT_BIT_DB} dB of the float outputs in ONNX Runtime, or, if the network amplifies noise more, agree with ompq to '
        f'{MOST_DIFFERENCE_DB} dB;',
        '- `ompq quantize` with the default allocator to 5 bits on average, from the candidates 4 and 6, with activations of 8 '
        f'bits; ONNX Runtime and ompq must agree to {LEAST_CODES_DB} dB, or to the ratio that the network keeps.', '',
        '| exporter | exported | accepted | of these by the default allocator, too |', '|---|---|---|---|', *count(results), '',
        'Layers are the quantized ones; sizes are kB of the float file and of the one with 5 bits on average. Each column has the '
        'signal-to-noise ratio at 5 bits in ONNX Runtime. Random weights give lower ratios than trained ones; this table only '
        f'shows that the files work. "{UNIFORM_ONLY}": the default allocator has not been tried yet.', '',
        '| network | library | layers | float, kB | 5 bits, kB | ' + ' | '.join(EXPORTERS.values()) + ' |',
        '|---|---|---|---|---|' + '---|' * len(EXPORTERS), *rows_of(results)]
    if reasons:
        lines += ['', '## Failures', '', '| network | exporter | reason |', '|---|---|---|', *reasons]
    untried = [name for name in NETWORKS if name not in results]
    if untried:
        lines += ['', f"Not tried yet: {', '.join(untried)}."]
    dropped = list(dropped_of(results))
    if dropped:
        lines += ['', '## Metrics that the default could not measure', '', '| metric | networks | reason |', '|---|---|---|',
                  *dropped]
    return '\n'.join(lines) + '\n'


def write(results, ompq, path):
    with open(path, 'w', encoding='utf-8') as stream:
        stream.write(page(results, ompq))
