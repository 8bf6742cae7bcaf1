"""Errors of the library are Python exceptions with its messages; slips in calls are TypeErrors."""

import numpy
import pytest

import ompq


def message_of_program(done) -> str:
    return done.stderr.removeprefix("ompq: ").strip()


@pytest.mark.parametrize(
    "kind, options, place",
    [
        (ompq.ConfigError, {"avg_bits": 9}, "--avg-bits"),
        (ompq.ConfigError, {"avg_bits": 3, "allocator": "best"}, "--allocator"),
        (ompq.ConfigError, {"avg_bits": 3, "samples": 1}, "--samples"),
        (ompq.ConfigError, {"avg_bits": 3, "size": "3 apples"}, "--size"),
        (ompq.ConfigError, {}, "search"),
        (ompq.InfeasibleBudget, {"size": 1000, "samples": 8, "allocator": "uniform"}, "allocation"),
    ],
)
def test_error_is_that_of_the_program(model, archive, program, kind, options, place):
    with pytest.raises(kind) as raised:
        ompq.search(model, data=archive, **options)
    assert isinstance(raised.value, ompq.Error)
    assert raised.value.where == place
    words = [
        word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    done = program("search", model, "--data", archive, "--quiet", *words)
    assert str(raised.value) == message_of_program(done)


def test_config_error_is_a_value_error_and_all_are_runtime_errors():
    assert issubclass(ompq.ConfigError, ValueError)
    assert issubclass(ompq.OutOfMemory, MemoryError)
    for name in (
        "ImportError",
        "UnsupportedOp",
        "ShapeError",
        "DataError",
        "FileError",
        "OutOfMemory",
        "InfeasibleBudget",
        "ConfigError",
        "Interrupted",
        "InternalError",
    ):
        kind = getattr(ompq, name)
        assert issubclass(kind, ompq.Error) and kind.__name__ == name
    assert issubclass(ompq.Error, RuntimeError)


def test_broken_model_is_an_import_error(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ompq.ImportError, match="broken.onnx"):
        ompq.inspect(broken)


def test_missing_model_is_a_file_error(program, tmp_path):
    with pytest.raises(ompq.Error, match="missing.onnx") as raised:
        ompq.inspect(tmp_path / "missing.onnx")
    assert str(raised.value) == message_of_program(program("inspect", tmp_path / "missing.onnx"))


def test_file_that_cannot_be_written_is_a_file_error(model, tmp_path):
    with pytest.raises(ompq.FileError, match="no such folder|No such file|nowhere"):
        ompq.latency_table(model, output=tmp_path / "nowhere" / "table.csv")


def test_arrays_that_do_not_fit_are_data_errors(model, images):
    for data, said in (
        (images[:, :20].astype(numpy.float32), "20x28"),
        ({"z": images, "w": images}, "none named"),
        (images[:0], "holds no samples"),
        ((images, numpy.full(96, 10)), "label 10"),
        ((images, numpy.full(96, 2**32 + 1)), "sample 0 is 4294967297, not a whole number"),
        ((images, numpy.full(96, 2**63, numpy.uint64)), r"sample 0 is 9.223372036854776e\+18"),
        ((images, numpy.full(96, -1)), "sample 0 is -1"),
        ((images, numpy.full(96, 0.5)), "sample 0 is 0.5, not a whole number"),
        (numpy.where(images == images[7], numpy.inf, images)[:, None], r"element \[0, 0, 0\] is inf"),
        (numpy.array(["a.jpg", "b.jpg"]), "elements of type <U5"),
        (images.astype(complex), "complex128"),
    ):
        with pytest.raises(ompq.DataError, match=said):
            ompq.evaluate(model, data=data, save_outputs=None, reference=model)


def test_labels_that_cannot_be_used_are_named_where_nothing_else_is_asked(model, images):
    labels = numpy.zeros(95, int)
    with pytest.raises(ompq.DataError, match="no label for each of the 96"):
        ompq.evaluate(model, data=(images, labels))
    assert ompq.evaluate(model, data=(images, labels), reference=model)["evaluation"]


def test_names_are_escaped_in_messages(tmp_path):
    for name, shown in (
        ("a\x1b[31m\nb", r"a\x1b[31m\nb"),
        ("a\u202eb\u009b", r"a\u202eb\u009b"),
        ("n" * 200, "n" * 100),
    ):
        with pytest.raises(ompq.Error) as raised:
            ompq.inspect(tmp_path / name)
        assert shown in str(raised.value)
        assert len(str(raised.value)) < 2000
        assert raised.value.where in str(raised.value)
        assert str(raised.value).isprintable()


def test_arrays_beside_the_samples_may_hold_anything(model, images):
    names = numpy.array([f"{i}.png" for i in range(len(images))])
    meta = numpy.array({"made": "by hand"}, dtype=object)
    data = {"x": images, "names": names, "meta": meta}
    assert ompq.evaluate(model, data=data, reference=model)["evaluation"]


def test_unknown_keyword_is_named_with_what_was_meant(model):
    with pytest.raises(
        TypeError, match=r"quantize\(\) has no keyword 'avgbits'; did you mean 'avg_bits'\?"
    ):
        ompq.quantize(model, avgbits=3)
    with pytest.raises(TypeError, match=r"no keyword 'colour'; help\(ompq.quantize\) lists"):
        ompq.quantize(model, colour="red")
    with pytest.raises(TypeError, match="no keyword 'json'"):
        ompq.quantize(model, json=True)


def test_slips_in_a_call_are_type_errors(model, images):
    for call, said in (
        (lambda: ompq.inspect(), r"inspect\(\) is missing a required argument: 'model'"),
        (lambda: ompq.inspect(model, model), r"inspect\(\) is too many positional arguments"),
        (lambda: ompq.search(model, avg_bits=3), r"missing a required .*'data'"),
        (
            lambda: ompq.search(model, data=images, avg_bits=[3]),
            r"avg_bits: \[3\] is a list, not a number in 1\.\.8",
        ),
        (lambda: ompq.search(model, data=images, avg_bits=True), "avg_bits: True is a bool"),
        (
            lambda: ompq.search(model, data=images, skip_broken="no"),
            "skip_broken: 'no' is a str, not True or False",
        ),
        (lambda: ompq.search(3, data=images, avg_bits=3), "model: 3 is a int"),
        (lambda: ompq.evaluate(model, data="images", labels=[1]), "labels can only be given if data is an array"),
        (lambda: ompq.evaluate(model, data=(images, [1]), labels=[1]), "labels are given twice"),
    ):
        with pytest.raises(TypeError, match=said):
            call()
