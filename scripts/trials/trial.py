"""Runs of a command that are stopped at a random moment, and continued until the command ends."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from commands import Command

# Where the caller runs in the background, its shell ignores SIGINT for all its children.
RESTORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


@dataclass
class Place:
    """The folders of the trials of one command."""

    program: Path
    work: Path
    data: Path
    small: Path

    @property
    def out(self) -> Path:
        return self.work / "out"

    @property
    def temporary(self) -> Path:
        return self.work / "tmp"

    def clean(self) -> None:
        for folder in (self.out, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)


def start(command: Command, place: Place) -> subprocess.Popen:
    def restore_signals() -> None:
        for number in RESTORED:
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        command.line(place.program, place.out, place.data, place.small),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(place.work / "stderr").open("wb"),
        env={**os.environ, "TMPDIR": str(place.temporary)},
        preexec_fn=restore_signals,
    )


def error_of(place: Place) -> str:
    return (place.work / "stderr").read_text(errors="replace")[-2000:]


def undisturbed(command: Command, place: Place) -> tuple[float, dict[str, bytes]]:
    """Seconds and content of a run from an empty folder."""
    place.clean()
    began = time.monotonic()
    if start(command, place).wait() != 0:
        raise SystemExit(f"{command.name} fails without being stopped:\n{error_of(place)}")
    content = command.content(place.out)
    if not content:
        raise SystemExit(f"{command.name} wrote none of {command.outputs}")
    return time.monotonic() - began, content


@dataclass
class Tally:
    """The row of one command."""

    name: str
    stopped: Counter = field(default_factory=Counter)  # by fresh or resumed
    statuses: Counter = field(default_factory=Counter)
    ended: int = 0  # trials whose command ended
    same: int = 0  # of these, with the same bytes
    slowest: float = 0.0  # seconds between the signal and the end
    faults: list[str] = field(default_factory=list)


@dataclass
class Rules:
    """What a stopped run must do."""

    signals: tuple[signal.Signals, ...]
    statuses: tuple[int, ...]
    limit: float | None  # seconds
    temporary_files: bool  # may remain
    startup: float = 0.0  # seconds until main() has set its handlers; before, a signal ends every program


def leftovers(command: Command, place: Place) -> list[str]:
    """Files that neither are outputs nor may be kept."""
    known = {*command.outputs, *command.keeps}
    files = [file.name for file in place.out.iterdir() if file.name not in known]
    return sorted([*files, *(f"TMPDIR/{file.name}" for file in place.temporary.iterdir())])


def stop_once(command: Command, place: Place, seconds: float, rules: Rules, source: random.Random, tally: Tally) -> bool:
    """@return true if the command ended before it was stopped."""
    resumed = any((place.out / name).exists() for name in command.keeps)
    number = source.choice(rules.signals)
    moment = source.uniform(0.0, seconds)
    process = start(command, place)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        began = time.monotonic()
        process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        took = time.monotonic() - began
    else:
        took = 0.0
    status = process.returncode
    where = f"{command.name}, {number.name} after {moment:.2f} s, {'resumed' if resumed else 'fresh'}"
    tally.stopped["resumed" if resumed else "fresh"] += 1
    tally.statuses[status] += 1
    tally.slowest = max(tally.slowest, took)
    before_main = status == -number and moment < rules.startup
    if status not in (0, *rules.statuses) and not before_main:
        tally.faults.append(f"{where}: status {status}\n{error_of(place)}")
    if rules.limit is not None and took > rules.limit:
        tally.faults.append(f"{where}: took {took:.1f} s to end")
    if not rules.temporary_files and (left := leftovers(command, place)):
        tally.faults.append(f"{where}: left {', '.join(left)}")
    return status == 0


def trial(command: Command, place: Place, reference: tuple[float, dict[str, bytes]], rules: Rules,
          source: random.Random, tally: Tally) -> None:
    """Stops a command one to three times, and then lets the same command end."""
    seconds, content = reference
    place.clean()
    ended = False
    for _ in range(source.randint(1, 3)):
        ended = stop_once(command, place, seconds, rules, source, tally)
        if ended:
            break
    if not ended and (status := start(command, place).wait()) != 0:
        tally.faults.append(f"{command.name}: the same command then ended with status {status}\n{error_of(place)}")
        return
    tally.ended += 1
    made = command.content(place.out)
    if made == content:
        tally.same += 1
    else:
        different = sorted(name for name in {*made, *content} if made.get(name) != content.get(name))
        tally.faults.append(f"{command.name}: {', '.join(different)} differ from the undisturbed run's")
