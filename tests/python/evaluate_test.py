"""Quality other than top-1: evaluate= and eval_command=."""

import json
import pathlib
import stat

import pytest

import ompq
from conftest import QUICK


def test_a_function_judges_every_evaluated_file(model, images, tmp_path):
    output = tmp_path / "small.onnx"
    seen = []

    def judge(file):
        assert pathlib.Path(file).exists()
        seen.append(file)
        return len(seen) / 8

    result = ompq.quantize(model, data=images, avg_bits=3, output=output, evaluate=judge, **QUICK)
    assert seen == [model, str(output)]
    assert result.float_evaluation.quality == 0.125
    assert result.evaluation.quality == result.networks[0].evaluation.quality == 0.25
    assert "evaluate=<judge>" in result.command
    evaluated = ompq.evaluate(output, data=images, limit=8, evaluate=lambda file: 7)
    assert evaluated.evaluation.quality == 7  # needs neither labels nor a reference


def test_a_function_judges_the_network_and_every_point_of_a_sweep(model, images, tmp_path):
    sizes = []

    def judge(file):
        sizes.append(pathlib.Path(file).stat().st_size)
        return sizes[-1] / 1e6

    result = ompq.sweep(
        model, data=images, points=3, metric="weight-mse", samples=8, evaluate=judge
    )
    assert [point.bytes for point in result.points] == sizes[1:]
    assert [point.quality for point in result.points] == [size / 1e6 for size in sizes[1:]]
    assert result.float_quality == pathlib.Path(model).stat().st_size / 1e6
    loss = result.float_quality - result.points[1].quality
    chosen = tmp_path / "bits.json"
    again = ompq.sweep(
        model, data=images, points=3, metric="weight-mse", samples=8, evaluate=judge, max_loss=loss, output=chosen
    )
    assert again.picked == 1
    assert [layer["weight_bits"] for layer in json.loads(chosen.read_text())["layers"]] == result.points[1].weight_bits
    with pytest.raises(ompq.InfeasibleBudget, match="the best one has"):
        ompq.sweep(model, data=images, points=3, metric="weight-mse", samples=8, evaluate=judge, max_loss=0)
    with pytest.raises(ompq.ConfigError, match="give --eval-command"):
        ompq.sweep(model, data=images, points=3, metric="weight-mse", samples=8, max_loss=1)


def test_what_a_function_raises_comes_out(model, images, tmp_path):
    def refuse(file):
        raise LookupError(file)

    with pytest.raises(LookupError, match="resnet20"):
        ompq.evaluate(model, data=images, limit=8, evaluate=refuse)
    with pytest.raises(ValueError, match="could not convert"):
        ompq.evaluate(model, data=images, limit=8, evaluate=lambda file: "good")
    with pytest.raises(ompq.DataError, match="is nan, not a finite number"):
        ompq.evaluate(model, data=images, limit=8, evaluate=lambda file: float("nan"))


def test_a_function_may_call_the_library(model, images, labels):
    def judge(file):
        return ompq.evaluate(file, data=(images, labels)).evaluation.top1

    result = ompq.evaluate(model, data=(images, labels), evaluate=judge)
    assert result.evaluation.quality == result.evaluation.top1


def test_the_program_runs_a_command(model, archive, program, tmp_path):
    judge = tmp_path / "judge it.sh"
    judge.write_text('#!/bin/sh\necho "mAP of $1:"\nwc -c <"$1"\n')
    judge.chmod(judge.stat().st_mode | stat.S_IXUSR)
    command = f"'{judge}'"
    done = program("eval", model, "--data", archive, "--limit", 8, "--eval-command", command)
    size = pathlib.Path(model).stat().st_size
    assert done.returncode == 0, done.stderr
    assert f"quality      {size:.6g}" in done.stdout
    result = ompq.evaluate(model, data=archive, limit=8, eval_command=command)
    assert result.evaluation.quality == size
    done = program("eval", model, "--data", archive, "--limit", 8, "--eval-command", "false")
    assert done.returncode == 3 and "'false' ended with status 1" in done.stderr


def test_only_one_judges(model, images):
    with pytest.raises(TypeError, match="remove one of them"):
        ompq.evaluate(model, data=images, evaluate=len, eval_command="echo 1")
    with pytest.raises(TypeError, match="evaluate: 3 is a int, not a function"):
        ompq.evaluate(model, data=images, evaluate=3)
