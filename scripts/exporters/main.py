"""Exports the networks of catalog.py, checks each file, stores the results in build/exporters/results.json and writes the table."""
import argparse
import fcntl
import fnmatch
import json
import os
import queue
import select
import subprocess
import sys
import threading

from catalog import NETWORKS
from check import Checker
import table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, 'build', 'exporters')
EXPORTERS = ('batch1', 'open', 'legacy')
END = object()


def read_options():
    parser = argparse.ArgumentParser(prog='check_exporters', description=__doc__)
    parser.add_argument('networks', nargs='*', help='names of networks, which may hold * and ?; without any, those that have no '
                        'result yet')
    parser.add_argument('--list', action='store_true', help='print the names of all networks')
    parser.add_argument('--exporter', choices=EXPORTERS, action='append', help='only these exporters')
    parser.add_argument('--quick', action='store_true', help='leave the default allocator out; a later run does the rest')
    parser.add_argument('--failed', action='store_true', help='those whose last result is a failure')
    parser.add_argument('--reuse', action='store_true', help='check files that an earlier run exported and --keep kept')
    parser.add_argument('--keep', action='store_true', help='keep the exported and the quantized files')
    parser.add_argument('--document', action='store_true', help='write docs/exporters.md even if some networks have no result')
    parser.add_argument('--ompq', default=os.path.join(ROOT, 'build', 'release', 'bin', 'ompq'), help='the program to check')
    parser.add_argument('--limit', type=int, default=600, metavar='SECONDS', help='what one call of ompq, or one export, may take')
    return parser.parse_args()


def failed(record):
    return 'failed' in record or 'export_error' in record


def complete(record):
    return 'codes_db' in record


def choose(options, results):
    """@returns the chosen networks, each with the exporters to check."""
    known = {name: [one for one, record in results.get(name, {}).items() if failed(record) or options.quick or complete(record)]
             for name in NETWORKS}
    exporters = options.exporter or EXPORTERS
    for pattern in options.networks:
        if not fnmatch.filter(NETWORKS, pattern):
            sys.exit(f"check_exporters: no network is called '{pattern}'; --list prints the names")
    chosen = {}
    for name in NETWORKS:
        if options.networks and not any(fnmatch.fnmatchcase(name, pattern) for pattern in options.networks):
            continue
        wanted = list(exporters)
        if options.failed:
            wanted = [one for one in wanted if one in known[name] and failed(results[name][one])]
        elif not options.networks:
            wanted = [one for one in wanted if one not in known[name]]
        if wanted:
            chosen[name] = wanted
    return chosen


def export_networks(chosen, folder, limit, answers):
    """Runs exporting processes until every network is done, and puts their results into a queue. If a process hangs or dies, only its
    current network is lost."""
    left = list(chosen)
    while left:
        command = [sys.executable, os.path.join(os.path.dirname(__file__), 'export.py'), folder,
                   *(f"{name}:{','.join(chosen[name])}" for name in left)]
        with open(os.path.join(BUILD, 'export.log'), 'a', encoding='utf-8') as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)
        done = {name: 0 for name in left}
        while select.select([process.stdout], [], [], limit + 60)[0]:
            line = process.stdout.readline()
            if not line:
                break
            answer = json.loads(line)
            done[answer['name']] += 1
            answers.put(answer)
        process.kill()
        process.wait()
        left = [name for name in left if done[name] < len(chosen[name])]
        if left:
            for exporter in chosen[left[0]][done[left[0]]:]:
                answers.put({'name': left[0], 'exporter': exporter, 'error': f'took more than {limit} s, or died',
                             'seconds': limit})
            left.pop(0)
    answers.put(END)


def reuse_files(chosen, folder, answers):
    for name, exporters in chosen.items():
        for exporter in exporters:
            missing = not os.path.exists(os.path.join(folder, name, exporter + '.onnx'))
            answers.put({'name': name, 'exporter': exporter, 'error': 'no file was kept' if missing else None, 'seconds': 0})
    answers.put(END)


def read_results(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding='utf-8') as stream:
        return json.load(stream)


def keep_result(path, name, exporter, record):
    """Adds one record to the file, to which another run may write at the same time."""
    with open(path + '.lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        results = read_results(path)
        results.setdefault(name, {})[exporter] = record
        with open(path + '.new', 'w', encoding='utf-8') as stream:
            json.dump(results, stream, indent=1)
        os.replace(path + '.new', path)


def check_answers(chosen, options, folder, answers, path):
    for answer in iter(answers.get, END):
        name, exporter = answer['name'], answer['exporter']
        checker = Checker(options.ompq, os.path.join(folder, name), options.limit)
        record = {'export_error': answer['error']} if answer['error'] else checker.check(exporter, options.quick)
        record['export_seconds'] = answer['seconds']
        keep_result(path, name, exporter, record)
        print(f'{name:34} {exporter:7} {table.outcome(record)}', flush=True)
        if exporter == chosen[name][-1] and not options.keep:
            checker.clean()


def main():
    options = read_options()
    if options.list:
        print('\n'.join(NETWORKS))
        return
    if not os.access(options.ompq, os.X_OK):
        sys.exit(f"check_exporters: there is no program '{options.ompq}'; build it with make, or say --ompq FILE")
    path = os.path.join(BUILD, 'results.json')
    chosen = choose(options, read_results(path))
    folder = os.path.join(BUILD, 'models')
    answers = queue.Queue()
    work = (chosen, folder, answers) if options.reuse else (chosen, folder, options.limit, answers)
    threading.Thread(target=reuse_files if options.reuse else export_networks, args=work, daemon=True).start()
    check_answers(chosen, options, folder, answers, path)
    results = read_results(path)
    document = options.document or all(one in results.get(name, {}) for name in NETWORKS for one in EXPORTERS)
    page = os.path.join(ROOT, 'docs', 'exporters.md') if document else os.path.join(BUILD, 'exporters.md')
    table.write(results, options.ompq, page)
    print(f'wrote {page}')


if __name__ == '__main__':
    main()
