"""Processors of Hugging Face's transformers as `preprocess`. Skipped without it; scripts/check_exporters installs it."""

import functools

import numpy
import pytest

from ompq._arrays import named_arrays

transformers = pytest.importorskip("transformers")


def test_an_image_processor():
    images = numpy.arange(2 * 30 * 40 * 3, dtype=numpy.uint8).reshape(2, 30, 40, 3)
    process = transformers.ViTImageProcessor(size={"height": 8, "width": 8})
    made = named_arrays([{"image": image, "label": 1} for image in images], None, process)
    assert made["x"].shape == (2, 3, 8, 8) and made["x"].dtype == numpy.float32
    assert numpy.array_equal(made["x"][1], process(images[1], return_tensors="np")["pixel_values"][0])
    assert numpy.array_equal(made["y"], [1, 1])


def test_a_feature_extractor_for_sound():
    sounds = numpy.sin(numpy.arange(3200, dtype=numpy.float32)).reshape(2, 1600)
    made = named_arrays(sounds, None, transformers.Wav2Vec2FeatureExtractor(do_normalize=True))
    assert made["x"].shape == (2, 1600)
    assert abs(made["x"].mean()) < 1e-4


def test_a_tokenizer(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "small", "networks", "are", "fast"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = transformers.BertTokenizerFast(vocab_file=str(tmp_path / "vocab.txt"))
    texts = ["small networks are fast", "fast networks"]
    padded = functools.partial(tokenizer, padding="max_length", max_length=8)
    made = named_arrays([{"text": text, "label": i} for i, text in enumerate(texts)], None, padded)
    assert {name: array.shape for name, array in made.items()} == {
        "input_ids": (2, 8), "token_type_ids": (2, 8), "attention_mask": (2, 8), "y": (2,),
    }  # fmt: skip
    assert made["attention_mask"].sum(axis=1).tolist() == [6, 4]
    same_length = named_arrays(["small networks", "fast networks"], None, tokenizer)
    assert same_length["input_ids"].shape == (2, 4)
