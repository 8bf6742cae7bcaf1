"""Samples in the forms that Python programs have them: iterables, tensors, functions."""

import types

import numpy
import pytest

import ompq
from conftest import QUICK
from ompq._arrays import named_arrays


def same(made: dict, x, y=None) -> bool:
    expected = {"x": x} if y is None else {"x": x, "y": y}
    return made.keys() == expected.keys() and all(
        made[name].dtype == array.dtype and numpy.array_equal(made[name], array)
        for name, array in expected.items()
    )


def batches(*arrays, size=10):
    """What a DataLoader yields: lists of one part for each array."""
    for begin in range(0, len(arrays[0]), size):
        yield [array[begin : begin + size] for array in arrays]


class Dataset:
    """As torch has them: neither an iterator nor an end."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index % len(self.x)], int(self.y[index % len(self.x)])


class Tensor:
    """What ompq uses of a tensor of torch, on a device and with a gradient."""

    def __init__(self, values, device="cuda"):
        self.values, self.device = values, device
        self.dtype = f"torch.{values.dtype}"

    def detach(self):
        return self

    def cpu(self):
        return Tensor(self.values, "cpu")

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return Tensor(self.values[index], self.device)

    def __array__(self, dtype=None, copy=None):
        assert self.device == "cpu", "NumPy cannot read the memory of a GPU"
        return self.values


class Processor:
    """What ompq uses of an image processor of Hugging Face."""

    model_input_names = ["pixel_values"]

    def __call__(self, images, return_tensors):
        assert return_tensors == "np"
        return {"pixel_values": halved(images)[None], "num_crops": 1}


def halved(sample) -> numpy.ndarray:
    return numpy.asarray(sample)[None].astype(numpy.float32) / 2


def test_iterables_of_batches_are_the_whole(images, labels):
    assert same(named_arrays(batches(images, labels)), images, labels)
    assert same(named_arrays(tuple(part) for part in batches(images, labels)), images, labels)
    assert same(named_arrays(list(map(tuple, batches(images, labels)))), images, labels)
    assert same(named_arrays(batches(images)), images)
    assert same(named_arrays(part for (part,) in batches(images)), images)
    for key in ("y", "labels", "label"):
        made = named_arrays({"x": x, key: y} for x, y in batches(images, labels))
        assert same(made, images, labels)


def test_data_sets_of_samples_are_the_whole(images, labels):
    wide = labels.astype(numpy.int64)
    assert same(named_arrays(Dataset(images, labels)), images, wide)
    assert same(named_arrays(zip(images, map(int, labels))), images, wide)
    assert same(named_arrays({"x": x, "label": y} for x, y in zip(images, labels)), images, labels)
    assert same(named_arrays(list(images)), images)


def test_inputs_by_name_come_from_dicts_of_batches(images):
    made = named_arrays({"ids": x, "mask": x + 1} for (x,) in batches(images))
    assert numpy.array_equal(made["ids"], images) and numpy.array_equal(made["mask"], images + 1)


def test_tensors_are_arrays(images, labels):
    assert same(named_arrays(Tensor(images)), images)
    assert same(named_arrays((Tensor(images), Tensor(labels))), images, labels)
    assert same(named_arrays({"x": Tensor(images)}, Tensor(labels)), images, labels)
    assert same(named_arrays([Tensor(image) for image in images]), images)
    loader = ([Tensor(x), Tensor(y)] for x, y in batches(images, labels))
    assert same(named_arrays(loader), images, labels)


def test_bfloat16_tensors_become_float32():
    tensor = Tensor(numpy.zeros((2, 3), numpy.float32))
    tensor.dtype = "torch.bfloat16"
    tensor.cpu = lambda: types.SimpleNamespace(
        dtype="torch.bfloat16", float=lambda: numpy.ones((2, 3), numpy.float32)
    )
    assert same(named_arrays(tensor), numpy.ones((2, 3), numpy.float32))


@pytest.mark.parametrize("process", [halved, Processor(), lambda sample: {"x": halved(sample)}])
def test_preprocess_is_applied_to_every_sample(images, labels, process):
    expected = images[:, None].astype(numpy.float32) / 2
    assert same(named_arrays(images, None, process), expected)
    assert same(named_arrays((images, labels), None, process), expected, labels)
    assert same(named_arrays(batches(images, labels), None, process), expected, labels)
    wide = labels.astype(numpy.int64)
    assert same(named_arrays(Dataset(images, labels), None, process), expected, wide)


class Tokenizer:
    """What ompq uses of a tokenizer of Hugging Face."""

    model_input_names = ["ids", "mask"]

    def __call__(self, text=None, text_pair=None, return_tensors=None):
        assert isinstance(text, str) and return_tensors == "np"
        ids = numpy.frombuffer(text.encode(), numpy.uint8).astype(numpy.int64)
        return {"ids": ids[None], "mask": numpy.ones_like(ids)[None], "texts": [text]}


class FeatureExtractor:
    """What ompq uses of a feature extractor of Hugging Face for sound."""

    model_input_names = ["input_values"]

    def __call__(self, raw_speech, sampling_rate=None, return_tensors=None):
        assert raw_speech.ndim == 1 and return_tensors == "np"
        return {"input_values": raw_speech[None] - raw_speech.mean()}


def test_preprocess_takes_tokenizers():
    texts = ["abc", "abd"]
    ids = numpy.array([[97, 98, 99], [97, 98, 100]])
    rows = [{"text": text, "label": i} for i, text in enumerate(texts)]
    for data in (texts, iter(texts), {"text": texts}, rows):
        made = named_arrays(data, None, Tokenizer())
        assert numpy.array_equal(made["ids"], ids) and numpy.array_equal(made["mask"], numpy.ones((2, 3)))
        assert set(made) == ({"ids", "mask", "y"} if data is rows else {"ids", "mask"})
    assert numpy.array_equal(made["y"], [0, 1])


def test_preprocess_takes_feature_extractors_for_sound():
    sounds = numpy.arange(12, dtype=numpy.float32).reshape(2, 6)
    assert same(named_arrays(sounds, None, FeatureExtractor()), sounds - sounds.mean(axis=1, keepdims=True))


def test_preprocess_finds_the_samples_of_data_sets(images, labels):
    expected = images[:, None].astype(numpy.float32) / 2
    rows = [{"image": x, "label": int(y)} for x, y in zip(images, labels)]
    for process in (halved, Processor()):
        assert same(named_arrays(rows, None, process), expected, labels.astype(numpy.int64))
    assert same(named_arrays({"image": images, "y": labels}, None, halved), expected, labels)


def test_images_of_pil_are_samples(images):
    image = pytest.importorskip("PIL.Image")
    assert same(named_arrays(image.fromarray(x) for x in images), images)
    assert same(named_arrays([image.fromarray(x) for x in images]), images)


def test_what_is_wrong_with_an_iterable_is_named(images, labels):
    for data, said in (
        (iter([]), "has no items"),
        ((x for x in (images, images[:, :20])), r"different shapes, such as \(20, 28\) and \(28, 28\)"),
        (iter([{"x": images, "z": images}, {"x": images}]), "only 1 of 2 items have 'z'"),
    ):
        with pytest.raises(ompq.DataError, match=said):
            named_arrays(data)
    with pytest.raises(TypeError, match="5 is a int, not a path, an array or an iterable"):
        named_arrays(5)
    with pytest.raises(TypeError, match="data has arrays named ids, mask; name the samples x"):
        named_arrays({"ids": images, "mask": images}, None, halved)
    with pytest.raises(TypeError, match="dicts of ids, mask, y; name the samples x"):
        named_arrays([{"ids": images, "mask": images, "label": labels}], None, halved)
    with pytest.raises(ompq.DataError, match=r"samples of 'ids' have different shapes, .* resize or pad them"):
        named_arrays(["ab", "abc"], None, Tokenizer())
    with pytest.raises(TypeError, match="labels are given twice"):
        named_arrays(batches(images, labels), labels)


def test_functions_take_iterables_and_preprocessing(model, images, labels, tmp_path):
    def scaled(image):
        return numpy.asarray(image, numpy.float32)[None] / 255

    def quantized(**data):
        file = tmp_path / "small.onnx"
        ompq.quantize(model, output=file, avg_bits=3, **data, **QUICK)
        return file.read_bytes()

    floats = images[:, None].astype(numpy.float32) / 255
    expected = quantized(data=floats)
    assert quantized(data=batches(images), preprocess=scaled) == expected
    assert quantized(data=batches(floats)) == expected
    result = ompq.evaluate(model, data=Dataset(images, labels), preprocess=scaled)
    assert result == {**ompq.evaluate(model, data=(floats, labels.astype(int))), "evaluation": result.evaluation}


def test_a_function_does_not_preprocess_files(model, archive, images):
    with pytest.raises(TypeError, match="preprocess is a function, so data must be arrays"):
        ompq.evaluate(model, data=archive, preprocess=halved)
    with pytest.raises(TypeError, match="preprocess: 5 is a int, not a path or a function"):
        ompq.evaluate(model, data=images, preprocess=5)
