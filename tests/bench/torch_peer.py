#!/usr/bin/python3
"""Training throughput of PyTorch (Debian's python3-torch) on the workloads of `gradus bench`.

usage: torch_peer.py WORKLOAD [THREADS] [STEPS] [THREADS_BESIDE_PRODUCTS]

The same layers, batch and optimiser (Adam, 1e-3), data in memory, whole steps: slicing, forward,
loss, backward, update. Prints one JSON line.

Its products are OpenBLAS's, which has threads of its own that PyTorch does not set: without the
variable below, "one thread" would be as many as the machine has.
"""
import gzip
import json
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[2] if len(sys.argv) > 2 else "1"

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

FASHION = "/usr/share/datasets/fashion-mnist/"


class Block(nn.Module):
    """Basic residual block; a 1x1 convolution with batch norm where the shape changes."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.shortcut = nn.Sequential()
        if stride > 1 or channels != filters:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
            )

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class RowsLSTM(nn.Module):
    """An image as a sequence of its rows."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 128, batch_first=True)
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc(self.lstm(x.squeeze(1))[0][:, -1])


class GPT(nn.Module):
    """Pre-norm decoder with learned positions and exact GELU."""

    def __init__(self, words, width, heads, layers, steps):
        super().__init__()
        self.heads = heads
        self.tokens = nn.Embedding(words, width)
        self.positions = nn.Embedding(steps, width)
        self.blocks = nn.ModuleList()
        for _ in range(layers):
            self.blocks.append(
                nn.ModuleDict(
                    {
                        "norm1": nn.LayerNorm(width),
                        "qkv": nn.Linear(width, 3 * width),
                        "out": nn.Linear(width, width),
                        "norm2": nn.LayerNorm(width),
                        "up": nn.Linear(width, 4 * width),
                        "down": nn.Linear(4 * width, width),
                    }
                )
            )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, words, bias=False)
        hidden = torch.triu(torch.full((steps, steps), float("-inf")), 1)
        self.register_buffer("hidden", hidden)

    def forward(self, tokens):
        batch, steps = tokens.shape
        x = self.tokens(tokens) + self.positions.weight[:steps]
        for b in self.blocks:
            qkv = b["qkv"](b["norm1"](x)).view(batch, steps, 3, self.heads, -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + self.hidden[:steps, :steps]
            y = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, steps, -1)
            x = x + b["out"](y)
            x = x + b["down"](F.gelu(b["up"](b["norm2"](x))))
        return self.head(self.norm(x))


def conv_relu(channels, filters):
    return [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]


WORKLOADS = {  # batch, network
    "logreg": (128, lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10))),
    "mlp": (128, lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(),
        nn.Linear(256, 10))),
    "mlp128": (64, lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))),
    "lenet": (64, lambda: nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84),
        nn.ReLU(), nn.Linear(84, 10))),
    "cnn8": (64, lambda: nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))),
    "vgg": (64, lambda: nn.Sequential(
        *conv_relu(1, 32), *conv_relu(32, 32), nn.MaxPool2d(2), *conv_relu(32, 64),
        *conv_relu(64, 64), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(),
        nn.Linear(128, 10))),
    "resnet": (64, lambda: nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1),
        Block(16, 32, 2), Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10))),
    "lstm": (64, RowsLSTM),
    "gpt": (16, lambda: GPT(96, 128, 4, 4, 64)),
    "gpt64": (8, lambda: GPT(96, 64, 4, 2, 64)),
}


def images():
    """4,096 images and labels; noise where Fashion-MNIST is not installed: it takes as long."""
    path = FASHION + "train-images-idx3-ubyte.gz"
    if not os.path.exists(path):
        return torch.rand(4096, 1, 28, 28), torch.arange(4096) % 10
    x = np.frombuffer(gzip.open(path).read(), np.uint8, offset=16)[: 4096 * 784]
    y = np.frombuffer(
        gzip.open(FASHION + "train-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)[:4096]
    x = torch.from_numpy(x.reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    return x, torch.from_numpy(y.astype(np.int64))


def main():
    name = sys.argv[1]
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    torch.set_num_threads(int(sys.argv[4]) if len(sys.argv) > 4 else threads)
    torch.manual_seed(0)
    batch, build = WORKLOADS[name]
    network = build()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    text = name.startswith("gpt")
    if text:
        tokens = torch.randint(0, 96, (4096, 65))
    else:
        x, y = images()

    def step(i):
        first = (i * batch) % (4096 - batch + 1)
        if text:
            part = tokens[first : first + batch]
            loss = F.cross_entropy(
                network(part[:, :-1]).reshape(-1, 96), part[:, 1:].reshape(-1))
        else:
            loss = F.cross_entropy(network(x[first : first + batch]), y[first : first + batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    for i in range(5):
        step(i)
    chunks = []
    each = max(1, steps // 10)
    for chunk in range(10):
        start = time.perf_counter()
        for i in range(each):
            loss = step(chunk * each + i)
        chunks.append((time.perf_counter() - start) / each)
    seconds = sorted(chunks)[len(chunks) // 2]
    print(json.dumps({
        "peer": "torch " + torch.__version__,
        "workload": name,
        "threads": threads,
        "batch": batch,
        "parameters": sum(p.numel() for p in network.parameters()),
        "examples_per_s": batch / seconds,
        "ms_per_step": 1000 * seconds,
        "last_loss": float(loss),
    }))


main()
