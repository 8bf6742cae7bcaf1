"""Callbacks, signals and threads while the library works."""

import logging
import os
import signal
import threading
import time

import numpy
import pytest

import ompq
from conftest import QUICK, without_times


def evaluate(model, images, **options):
    return ompq.evaluate(
        model, data=images, labels=numpy.zeros(len(images), int), batch=8, **options
    )


def test_progress_counts_to_the_end(model, images):
    seen = []
    evaluate(model, images, progress=lambda *event: seen.append(event))
    assert [(task, done, total) for task, done, total, _ in seen] == [
        ("evaluation", done, 96) for done in range(8, 97, 8)
    ]


def test_progress_runs_in_the_thread_of_the_call(model, images):
    threads = set()
    evaluate(model, images, progress=lambda *_: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_what_a_callback_raises_ends_the_work_and_comes_out(model, images):
    calls = []

    def refuse(task, done, total, detail):
        calls.append(done)
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        evaluate(model, images, progress=refuse)
    assert calls == [8]
    assert evaluate(model, images)["evaluation"]["samples"] == 96


def test_what_a_callback_raises_leaves_no_file(model, images, tmp_path):
    def refuse(*_):
        raise LookupError

    output = tmp_path / "small.onnx"
    with pytest.raises(LookupError):
        ompq.quantize(model, data=images, avg_bits=3, output=output, progress=refuse, **QUICK)
    assert not output.exists()


def test_a_callback_may_call_the_library(model, images):
    layers = []
    evaluate(
        model,
        images,
        limit=8,
        progress=lambda *_: layers.append(len(ompq.inspect(model)["layers"])),
    )
    assert layers == [len(ompq.inspect(model)["layers"])]


def test_other_threads_run_while_the_library_works(model, images):
    # With the lock held from the call's begin to its end, the other thread gets one turn at most at
    # either end; the whole of the work lies between its turns otherwise.
    many = numpy.repeat(images, 6, axis=0)
    turns = []
    stop = threading.Event()

    def take_turns():
        while not stop.is_set():
            turns.append(time.monotonic())
            time.sleep(0.001)

    other = threading.Thread(target=take_turns)
    other.start()
    while not turns:
        time.sleep(0.001)
    begin = time.monotonic()
    evaluate(model, many)
    end = time.monotonic()
    stop.set()
    other.join()
    assert sum(begin < turn < end for turn in turns) >= 5


def test_two_threads_work_at_once(model, images):
    expected = without_times(evaluate(model, images))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(without_times(evaluate(model, images))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected, expected]


def test_interrupt_in_a_callback_is_a_keyboard_interrupt(model, images):
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, images, progress=lambda *_: signal.raise_signal(signal.SIGINT))
    assert evaluate(model, images)["evaluation"]["samples"] == 96


def test_interrupt_comes_out_of_a_call_within_a_callback(model, images):
    def interrupt(*_):
        ompq.inspect(model)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        evaluate(model, images, progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert evaluate(model, images)["evaluation"]["samples"] == 96


def test_interrupt_stops_work_without_a_callback(model, images, labels, tmp_path):
    log = tmp_path / "epochs.jsonl"

    def interrupt_after_the_first_epoch():
        while not log.exists() or not log.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    other = threading.Thread(target=interrupt_after_the_first_epoch)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        ompq.finetune(
            model,
            data=(images[:32], labels[:32]),
            eval_data=(images[32:48], labels[32:48]),
            output=tmp_path / "tuned.onnx",
            avg_bits=4,
            allocator="uniform",
            samples=8,
            start="nearest",
            epochs=100_000,
            log=log,
        )
    other.join()
    assert evaluate(model, images)["evaluation"]["samples"] == 96


def test_interrupt_while_a_message_is_logged_is_not_lost(model, images):
    class Interrupting(logging.Handler):
        def emit(self, record):
            signal.raise_signal(signal.SIGINT)

    handler = Interrupting()
    logging.getLogger("ompq").addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            # Warns of labels that cannot be used.
            ompq.evaluate(model, data=(images, numpy.zeros(95, int)), reference=model)
    finally:
        logging.getLogger("ompq").removeHandler(handler)
    assert evaluate(model, images)["evaluation"]["samples"] == 96


def test_handler_of_the_caller_decides_what_an_interrupt_is(model, images):
    class Stop(Exception):
        pass

    def stop(number, frame):
        raise Stop

    before = signal.signal(signal.SIGINT, stop)
    try:
        with pytest.raises(Stop):
            evaluate(model, images, progress=lambda *_: signal.raise_signal(signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) is stop
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_the_caller_swallows_is_interrupted(model, images):
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with pytest.raises(ompq.Interrupted, match="stopped by the user"):
            evaluate(model, images, progress=lambda *_: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert evaluate(model, images)["evaluation"]["samples"] == 96
