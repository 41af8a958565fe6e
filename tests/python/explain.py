"""Computes again, by numpy's matrix products and by formulas of its own, everything that `wgrad explain --json` says, and prints the largest
difference, relative to the largest number of its kind where that is above 1:

    python explain.py explanation.json
"""

import json
import math
import sys

import numpy as np
from networks import ACTIVATIONS

SLOPES = {
    "sigmoid": lambda z, a: a * (1 - a),
    "tanh": lambda z, a: 1 - a * a,
    "relu": lambda z, a: (z > 0).astype(float),
    "leaky-relu": lambda z, a: np.where(z > 0, 1.0, 0.01),
    "gelu": lambda z, a: 0.5 * np.vectorize(math.erfc)(-z / math.sqrt(2)) + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    "softplus": lambda z, a: ACTIVATIONS["sigmoid"](z),
    "silu": lambda z, a: ACTIVATIONS["sigmoid"](z) * (1 + z * (1 - ACTIVATIONS["sigmoid"](z))),
    "identity": lambda z, a: np.ones_like(z),
}


def loss_and_error(name, a, z, y):
    """The loss, and its derivative by the outputs or, where those of a softmax go into it, by the sums."""
    e = a - y
    if name == "squared-error":
        return np.sum(e * e) / 2, e
    if name == "absolute-error":
        return np.sum(abs(e)), np.sign(e)
    if name.startswith("huber"):
        delta = float(name.split()[-1])
        return np.sum(np.where(abs(e) <= delta, e * e / 2, delta * (abs(e) - delta / 2))), np.clip(e, -delta, delta)
    if name == "binary-cross-entropy":
        return -np.sum(y * np.log(a) + (1 - y) * np.log1p(-a)), e / (a * (1 - a))
    if name == "cross-entropy":
        return -np.sum(y * (z - z.max() - np.log(np.sum(np.exp(z - z.max()))))), e
    raise SystemExit(f"no such loss: {name}")


def main(path):
    said = json.load(open(path))
    worst = {}

    def compare(what, ours, theirs):
        ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
        assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
        if ours.size:
            difference = float(np.max(abs(ours - theirs))) / max(1.0, float(np.max(abs(ours))))
            assert difference == difference, what
            worst[what] = max(worst.get(what, 0.0), difference)

    a, inputs, y = np.array(said["input_values"]), [], np.array(said["targets"])
    for layer in said["layers"]:
        inputs.append(a)
        z = a @ np.array(layer["weights"]) + (np.array(layer["biases"]) if layer["biases"] else 0)
        a = ACTIVATIONS[layer["activation"]](z[None])[0]
        compare("z", z, layer["z"])
        compare("outputs", a, layer["outputs"])
    loss, error = loss_and_error(said["loss_name"], a, z, y)
    compare("loss", loss, said["loss"])
    for layer, before in zip(said["layers"][::-1], inputs[::-1]):
        z, a = np.array(layer["z"]), np.array(layer["outputs"])
        softmax = layer["activation"] == "softmax"
        slope = 1.0 if softmax else SLOPES[layer["activation"]](z, a)
        delta = error * slope
        if softmax:
            assert layer["slopes"] == [None] * len(z)
            compare("errors", [-t / o for t, o in zip(y, a)], layer["errors"])
        else:
            compare("slopes", slope, layer["slopes"])
            compare("errors", error, layer["errors"])
        compare("deltas", delta, layer["deltas"])
        compare("gradients", np.outer(before, delta), layer["gradients"])
        compare("bias gradients", delta if layer["biases"] else [], layer["bias_gradients"])
        error = np.array(layer["weights"]) @ delta
    compare("input errors", error, said["input_errors"])
    assert said["checked"]["parameters"] == said["checked"]["of"], said["checked"]
    print(json.dumps(worst))


if __name__ == "__main__":
    main(*sys.argv[1:])
