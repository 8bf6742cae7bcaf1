"""Modules of torch instead of ONNX files. Those that export one are skipped without torch."""

import builtins

import numpy
import pytest

import ompq
from conftest import QUICK


class Module:
    """Looks like a torch.nn.Module."""

    training = True

    def __call__(self, x):
        return x

    def forward(self, x):
        return x

    def state_dict(self):
        return {}


def test_a_module_needs_an_example_input(images):
    with pytest.raises(TypeError, match=r"quantize\(\) of a torch module needs example_input"):
        ompq.quantize(Module(), data=images, avg_bits=3, output="small.onnx")


def test_an_example_input_needs_a_module(model, images):
    with pytest.raises(TypeError, match="example_input is for modules of torch"):
        ompq.inspect(model, example_input=images)


def test_without_torch_the_remedy_is_said(monkeypatch, images):
    real = builtins.__import__

    def without_torch(name, *args, **kwargs):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(ImportError, match="pip install torch"):
        ompq.inspect(Module(), example_input=images)


@pytest.fixture
def network():
    torch = pytest.importorskip("torch")

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 16, 3, stride=2)
            self.norm = torch.nn.BatchNorm2d(16)
            self.drop = torch.nn.Dropout()
            self.fc = torch.nn.Linear(16, 10)

        def forward(self, pixels):
            x = torch.relu(self.norm(self.conv(pixels)))
            return self.fc(self.drop(x.mean((2, 3))))

    torch.manual_seed(1)
    return Network()


@pytest.mark.parametrize("form", ["tensor", "tuple", "dict"])
def test_a_module_is_exported_for_inference(network, form):
    import torch

    batch = torch.zeros(2, 1, 28, 28)
    example = {"tensor": batch, "tuple": (batch,), "dict": {"pixels": batch}}[form]
    result = ompq.inspect(network, example_input=example)
    assert [row.shape for row in result.inputs] == ["Nx1x28x28"]
    assert [row.name for row in result.inputs] == ["pixels"]
    assert [layer.op_type for layer in result.layers] == ["Conv", "Gemm"]
    assert network.training


def test_a_module_and_a_loader_are_quantized(network, images, labels, tmp_path):
    import torch

    pixels = torch.from_numpy(images[:, None].astype(numpy.float32) / 255)
    data = torch.utils.data.TensorDataset(pixels, torch.from_numpy(labels.astype(numpy.int64)))
    loader = torch.utils.data.DataLoader(data, batch_size=20)
    result = ompq.quantize(
        network,
        example_input=pixels[:1],
        data=loader,
        avg_bits=4,
        output=tmp_path / "small.onnx",
        **QUICK,
    )
    assert result.bytes_on_disk == (tmp_path / "small.onnx").stat().st_size
    assert result.command.startswith("ompq.quantize(<Network>, ")
    again = ompq.evaluate(tmp_path / "small.onnx", data=loader, reference=tmp_path / "small.onnx")
    assert again.evaluation.agreement == 1 and again.evaluation.samples == 96
    same = ompq.evaluate(tmp_path / "small.onnx", data=data)
    assert same.evaluation.top1 == again.evaluation.top1
    assert network.training
