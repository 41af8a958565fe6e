"""Predict from an npz archive that wgrad exported, using numpy alone:

    python read_npz.py model.npz data.csv

Prints CSV: the outputs, of a regression in the targets' own units.
"""

import csv
import math
import sys

import numpy as np

MISSING = {"", "na", "n/a", "nan", "null", "?"}

erfc = np.vectorize(math.erfc, otypes=[float])


def softmax(z):
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


ACTIVATIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky-relu": lambda z: np.where(z < 0, 0.01 * z, z),
    "gelu": lambda z: z * 0.5 * erfc(-z / math.sqrt(2)),
    "identity": lambda z: z,
    "softmax": softmax,
}


def cell(text, category, missing):
    if text.strip().lower() in MISSING:
        return missing
    return float(text == category) if category else float(text)


def main(model_path, data_path):
    model = np.load(model_path)
    with open(data_path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    inputs = list(zip(model["columns"], model["categories"], model["missing"]))
    x = np.array([[cell(row[column], category, missing) for column, category, missing in inputs] for row in rows])
    x = (x - model["offset"]) / model["scale"]
    for layer, activation in enumerate(model["activations"], 1):
        x = ACTIVATIONS[activation](x @ model[f"W{layer}"] + model[f"b{layer}"])
    if "targets" in model:
        x = x * model["target_scale"] + model["target_offset"]
    csv.writer(sys.stdout, lineterminator="\n").writerows(x.tolist())


if __name__ == "__main__":
    main(*sys.argv[1:])
