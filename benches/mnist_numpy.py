"""The MNIST net of the README in numpy, for comparison: 784-128-10, relu and softmax, sgd 0.1, batches of 64, in f32.

    python mnist_numpy.py FOLDER [--in-order]

FOLDER holds the IDX files. Prints the median of six epochs in seconds. Measure in turn with

    wgrad train FOLDER/train-images-idx3-ubyte --labels FOLDER/train-labels-idx1-ubyte --split 1/0/0 --hidden 128 \
        --optimizer sgd --batch-size 64 --epochs 6 --device cpu [--no-shuffle]

whose metrics.jsonl tells when each epoch was done.
"""

import sys
import time

import numpy as np

folder, in_order = sys.argv[1], "--in-order" in sys.argv
images = np.fromfile(f"{folder}/train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 784).astype(np.float32) / 255
labels = np.eye(10, dtype=np.float32)[np.fromfile(f"{folder}/train-labels-idx1-ubyte", np.uint8)[8:]]
random = np.random.default_rng(0)
w1 = (random.standard_normal((784, 128)) * np.sqrt(2 / 784)).astype(np.float32)
w2 = (random.standard_normal((128, 10)) * np.sqrt(1 / 128)).astype(np.float32)
b1, b2 = np.zeros(128, np.float32), np.zeros(10, np.float32)
rate = np.float32(0.1)

seconds = []
for _ in range(6):
    begun = time.perf_counter()
    order = None if in_order else random.permutation(len(images))
    for first in range(0, len(images), 64):
        batch = slice(first, first + 64) if in_order else order[first : first + 64]
        x, y = images[batch], labels[batch]
        hidden = x @ w1
        hidden += b1
        np.maximum(hidden, 0, out=hidden)
        output = hidden @ w2
        output += b2
        output -= output.max(axis=1, keepdims=True)
        np.exp(output, out=output)
        output /= output.sum(axis=1, keepdims=True)
        output -= y
        output *= np.float32(1 / len(x))
        delta = output @ w2.T
        delta *= hidden > 0
        w2 -= rate * (hidden.T @ output)
        b2 -= rate * output.sum(axis=0)
        w1 -= rate * (x.T @ delta)
        b1 -= rate * delta.sum(axis=0)
    seconds.append(time.perf_counter() - begun)
print(f"median epoch: {sorted(seconds)[len(seconds) // 2]:.3f} s")
