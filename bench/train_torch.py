"""Float training of the shipped ResNet-20 in plain PyTorch: images per second, one line.

Usage: train_torch.py BATCH STEPS THREADS

The network is that of models/resnet20-fashion-mnist.onnx: 28x28 grey images, three stages of three
blocks with 16, 32 and 64 channels, 1x1 convolutions where a stage begins. SGD with momentum,
cross-entropy, random images in memory. The rate is that of all steps together, the first one with
what it sets up among them.
"""
import sys
import time

import torch
from torch import nn


def convolution(inputs, outputs, kernel, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = convolution(outputs, outputs, 3, 1)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = convolution(inputs, outputs, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def resnet20():
    layers = [convolution(1, 16, 3, 1), nn.ReLU()]
    inputs = 16
    for stage, outputs in enumerate((16, 32, 64)):
        for block in range(3):
            layers.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def main():
    batch, steps, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = resnet20().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.005, momentum=0.9, weight_decay=1e-4)
    images = torch.randn(8 * batch, 1, 28, 28)
    labels = torch.randint(0, 10, (8 * batch,))
    begin = time.perf_counter()
    for step in range(steps):
        start = step % 8 * batch
        optimizer.zero_grad(set_to_none=True)
        scores = network(images[start : start + batch])
        nn.functional.cross_entropy(scores, labels[start : start + batch]).backward()
        optimizer.step()
    print(batch * steps / (time.perf_counter() - begin))


main()
