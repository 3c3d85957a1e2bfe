#!/usr/bin/python3
"""The other side of tests/test_torch.c: reads weights and an input that our engine wrote, runs the
same network in PyTorch, and writes its own weights and its outputs for both.

usage: torch_exchange.py NETWORK IN.safetensors OUT.safetensors

IN holds "x" and the weights by our names. OUT gets "y" (PyTorch on our weights), new random weights
by the same names, and "z" (PyTorch on those).
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        start, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[start:end]), dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def write(path, tensors):
    header, blobs, at = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def lenet5(w, x):
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"])), 2)
    x = F.relu(F.linear(x.flatten(1), w["dense1.weight"], w["dense1.bias"]))
    x = F.relu(F.linear(x, w["dense2.weight"], w["dense2.bias"]))
    return F.linear(x, w["dense3.weight"], w["dense3.bias"])


def norm(w, name, x):
    return F.batch_norm(x, w[name + ".mean"], w[name + ".variance"], w[name + ".gamma"],
                        w[name + ".beta"], training=False)


def resnet8(w, x):
    def conv(name, x, stride=1):
        kernel = w[name + ".weight"]
        y = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        return norm(w, name + ".norm", y)

    x = F.relu(conv("conv1", x))
    for stage in range(1, 4):
        name = f"block{stage}_1"
        stride = 1 if stage == 1 else 2
        y = conv(name + ".conv2", F.relu(conv(name + ".conv1", x, stride)))
        if name + ".shortcut.weight" in w:
            x = conv(name + ".shortcut", x, stride)
        x = F.relu(y + x)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


def lstm(w, x):
    cell = torch.nn.LSTM(x.shape[-1], w["lstm.weight_hh_l0"].shape[1], batch_first=True)
    with torch.no_grad():
        cell.weight_ih_l0.copy_(w["lstm.weight_ih_l0"])
        cell.weight_hh_l0.copy_(w["lstm.weight_hh_l0"])
        cell.bias_ih_l0.copy_(w["lstm.bias_ih_l0"])
        cell.bias_hh_l0.copy_(w["lstm.bias_hh_l0"])
    return F.linear(cell(x.squeeze(1))[0][:, -1], w["fc.weight"], w["fc.bias"])


def gpt(w, tokens, heads=4):
    def norm(name, x):
        return F.layer_norm(x, x.shape[-1:], w[name + ".gamma"], w[name + ".beta"])

    def linear(name, x):
        return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))

    batch, steps = tokens.shape
    future = torch.triu(torch.full((steps, steps), float("-inf")), 1)
    x = F.embedding(tokens.long(), w["words.table"]) + w["positions.table"]
    block = 1
    while f"block{block}.norm1.gamma" in w:
        name = f"block{block}."
        qkv = linear(name + "attention.qkv", norm(name + "norm1", x))
        q, k, v = qkv.view(batch, steps, 3, heads, -1).permute(2, 0, 3, 1, 4)
        seen = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + future, -1) @ v
        x = x + linear(name + "attention.out", seen.transpose(1, 2).reshape(x.shape))
        hidden = F.gelu(linear(name + "feed.hidden", norm(name + "norm2", x)))
        x = x + linear(name + "feed.out", hidden)
        block += 1
    return linear("out", norm("norm", x))


NETWORKS = {"lenet5": lenet5, "resnet8": resnet8, "lstm": lstm, "gpt-small": gpt}


def redrawn(name, tensor):
    if name.endswith("variance"):
        return torch.rand_like(tensor) + 0.5
    return torch.randn_like(tensor) / max(1, tensor[0].numel() if tensor.dim() > 1 else 4) ** 0.5


def main():
    network = NETWORKS[sys.argv[1]]
    torch.manual_seed(1)
    torch.set_num_threads(1)
    given = read(sys.argv[2])
    x = given.pop("x")
    with torch.no_grad():
        out = {"y": network(given, x)}
        drawn = {name: redrawn(name, tensor) for name, tensor in given.items()}
        out.update(drawn)
        out["z"] = network(drawn, x)
    write(sys.argv[3], out)


main()
