"""Command line of scripts/check_interrupts and scripts/check_kills."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from commands import RESNET, Command, commands, make_samples
from trial import Place, Rules, Tally, trial, undisturbed

INTERRUPTS = Rules((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), (130,), limit=5.0, temporary_files=False)
KILLS = Rules((signal.SIGKILL,), (-int(signal.SIGKILL),), limit=None, temporary_files=True)


def make_small(program: Path, data: Path, folder: Path) -> Path:
    """A quantized network for the commands that read one."""
    small = folder / "given.onnx"
    subprocess.run(
        [program, "quantize", RESNET, "--data", data, "--avg-bits", "4", "--allocator", "uniform", "--beside", "none",
         "--method", "nearest", "--samples", "16", "--limit", "32", "--quiet", "--output", small],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return small


def startup_seconds(program: Path) -> float:
    """The longest of five times that the program takes to start, print its version and end."""

    def once() -> float:
        began = time.monotonic()
        subprocess.run([program, "--version"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return time.monotonic() - began

    return max(once() for _ in range(5))


def show(tallies: list[Tally]) -> None:
    print(f"{'command':18} {'stopped':>8} {'fresh':>6} {'resumed':>8} {'slowest':>8} {'ended':>6} {'same':>5}  statuses")
    for tally in tallies:
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
        print(f"{tally.name:18} {tally.stopped.total():8} {tally.stopped['fresh']:6} {tally.stopped['resumed']:8} "
              f"{tally.slowest:6.2f} s {tally.ended:6} {tally.same:5}  {statuses}")
    print(f"{'all':18} {sum(tally.stopped.total() for tally in tallies):8}", flush=True)


def chosen(names: list[str], choice: str | None) -> list[Command]:
    found = [command for command in commands() if any(command.name.startswith(name) for name in names)]
    if choice is None:
        return found
    return [command for command in found if any(command.name.startswith(part) for part in choice.split(","))]


def main(rules: Rules, names: list[str], description: str) -> int:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("build", type=Path, help="the build directory, such as build/release")
    parser.add_argument("trials", type=int, help="the number of times that a command is stopped, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", metavar="NAME,...", help="only the commands that begin so, such as finetune")
    arguments = parser.parse_args()
    program = (arguments.build / "bin" / "ompq").resolve()
    if not program.exists():
        parser.error(f"there is no {program}; build the program first")
    rules = replace(rules, startup=startup_seconds(program))
    print(f"a start takes {rules.startup:.2f} s; a signal in this time may end the program before main()", flush=True)
    picked = chosen(names, arguments.commands)
    if not picked:
        parser.error("no command begins so")
    source = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="ompq-trials-") as folder:
        work = Path(folder)
        make_samples(work / "data")
        small = make_small(program, work / "data", work)
        place = Place(program, work / "work", work / "data", small)
        references = [undisturbed(command, place) for command in picked]
        for command, (seconds, content) in zip(picked, references):
            if undisturbed(command, place)[1] != content:
                print(f"{command.name}: two undisturbed runs differ", file=sys.stderr)
                return 1
            print(f"{command.name}: {seconds:.1f} s undisturbed", flush=True)
        tallies = [Tally(command.name) for command in picked]
        while sum(tally.stopped.total() for tally in tallies) < arguments.trials:
            for command, reference, tally in zip(picked, references, tallies):
                known = len(tally.faults)
                trial(command, place, reference, rules, source, tally)
                for fault in tally.faults[known:]:
                    print(f"fault: {fault}", flush=True)
            show(tallies)
    faults = [fault for tally in tallies for fault in tally.faults]
    print(f"{len(faults)} faults")
    return 1 if faults else 0
