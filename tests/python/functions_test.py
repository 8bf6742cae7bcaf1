"""The functions do what the commands do, on paths and on arrays."""

import json

import numpy

import ompq
from conftest import QUICK, without_times


def quantized(model, data, folder, **options):
    file = folder / "small.onnx"
    result = ompq.quantize(model, data=data, output=file, **{"avg_bits": 3, **QUICK, **options})
    return result, file.read_bytes()


def test_result_and_file_are_those_of_the_program(model, archive, program, tmp_path):
    ours, bytes_of_ours = quantized(model, archive, tmp_path)
    words = [word for name, value in QUICK.items() for word in (f"--{name}", value)]
    output = tmp_path / "small.onnx"
    output.unlink()
    done = program(
        "quantize", model, "--data", archive, "-o", output, "--avg-bits", 3, "--json", *words
    )
    assert done.returncode == 0, done.stderr
    assert without_times(ours) == without_times(json.loads(done.stdout))
    assert bytes_of_ours == output.read_bytes()


def test_result_says_how_it_was_made(model, archive, tmp_path):
    result, _ = quantized(model, archive, tmp_path)
    again = eval(result["command"], {"ompq": ompq})
    assert without_times(again) == without_times(result)
    assert result["versions"]["ompq"] == ompq.__version__


def test_arrays_and_a_file_of_them_give_the_same_bytes(model, archive, images, labels, tmp_path):
    of_path, bytes_of_path = quantized(model, archive, tmp_path)
    of_arrays, bytes_of_arrays = quantized(model, (images, labels), tmp_path)
    assert bytes_of_arrays == bytes_of_path
    assert of_arrays["evaluation"]["top1"] == of_path["evaluation"]["top1"]
    assert of_arrays["samples"]["source"].startswith("x uint8 96x28x28, y uint8 96 (sha256 ")


def test_data_take_every_form_of_the_same_samples(model, images, labels, tmp_path):
    _, expected = quantized(model, images, tmp_path)
    for same in (
        {"x": images},
        {"input": images},
        images[:, None],
        images[..., None],
        numpy.asfortranarray(images),
        [list(image) for image in images],
        numpy.repeat(images, 2, axis=0)[::2],
    ):
        assert quantized(model, same, tmp_path)[1] == expected
    assert quantized(model, images, tmp_path, labels=labels)[1] == expected


def test_floats_are_taken_as_they_are_in_either_layout_and_byte_order(model, images, tmp_path):
    values = images[:, None].astype(numpy.float32) / 255
    _, expected = quantized(model, values, tmp_path)
    for same in (values.transpose(0, 2, 3, 1), values.astype(">f4"), values.astype(numpy.float64)):
        assert quantized(model, same, tmp_path)[1] == expected


def test_other_contents_have_another_name(model, images):
    def source(array):
        return ompq.evaluate(model, data=array, labels=numpy.zeros(96, int), limit=2)["samples"][
            "source"
        ]

    changed = images.copy()
    changed[0, 0, 0] ^= 1
    assert source(images) == source(images.copy())
    assert source(images) != source(changed)


def test_caller_may_change_its_array_meanwhile(model, images):
    before = ompq.evaluate(model, data=images, labels=numpy.zeros(96, int))
    changing = images.copy()

    def progress(*_):
        changing[:] = 0

    during = ompq.evaluate(model, data=changing, labels=numpy.zeros(96, int), progress=progress)
    assert not changing.any()
    assert without_times(during) == without_times(before)


def test_evaluate_counts_right_answers(model, images, labels):
    result = ompq.evaluate(model, data=images, labels=labels)
    assert result["evaluation"]["samples"] == 96
    right = ompq.evaluate(model, data=(images, labels))["evaluation"]["top1"]
    wrong = ompq.evaluate(model, data=(images, (labels + 1) % 10))["evaluation"]["top1"]
    assert result["evaluation"]["top1"] == right > 0.8 > 0.2 > wrong


def test_search_writes_an_allocation_that_quantize_reads(model, images, tmp_path):
    bits = tmp_path / "bits.json"
    found = ompq.search(
        model,
        data=images,
        size="120kB",
        allocator="size-only",
        beside="none",
        samples=8,
        output=bits,
    )
    options = {"method": "nearest", "samples": 8, "limit": 8}
    result = ompq.quantize(
        model, data=images, allocation=bits, output=tmp_path / "small.onnx", **options
    )
    assert result["networks"][0]["weight_bits"] == found["allocations"][0]["weight_bits"]
    assert result["bytes_on_disk"] <= 120_000


def test_options_take_python_values(model, images, tmp_path):
    names = [layer["name"] for layer in ompq.inspect(model)["layers"]]
    result, _ = quantized(
        model,
        images,
        tmp_path,
        avg_bits=None,
        size=numpy.int64(200_000),
        allocator="size-only",
        pin={names[1]: 3},
        candidates={"": [2, 4, 8], names[2]: [5]},
        act_bits=8,
        first_last=8,
        explain=True,
    )
    widths = result["networks"][0]["weight_bits"]
    assert widths[0] == widths[-1] == 8
    assert widths[1:3] == [3, 5]
    assert set(widths[3:-1]) <= {2, 4, 8}
    assert result["bytes_on_disk"] <= 200_000
    assert result["diagnosis"]


def test_finetune_trains_on_arrays(model, images, labels, tmp_path):
    result = ompq.finetune(
        model,
        data=(images[:64], labels[:64]),
        eval_data=(images[64:], labels[64:]),
        output=tmp_path / "tuned.onnx",
        avg_bits=4,
        allocator="uniform",
        samples=8,
        start="nearest",
        epochs=1,
    )
    assert result["trained_on"]["count"] == 64
    assert result["evaluated_on"]["count"] == 32
    assert len(result["epochs"]) == 1
    again = ompq.evaluate(
        tmp_path / "tuned.onnx",
        data=(images[64:], labels[64:]),
        preprocess=model.replace(".onnx", ".preprocess.json"),
    )
    assert again["evaluation"]["top1"] == result["evaluation"]["top1"]
