"""Predict with a model that wgrad trained, using only safetensors and numpy:

    python predict.py model.safetensors data.csv

Prints CSV: a probability for each class, or the predicted values in the target's own units.
"""

import csv
import json
import sys

import numpy as np
from networks import ACTIVATIONS, MISSING, calendar, days
from safetensors import safe_open


def encode(column, cell):
    """The network's inputs for one cell: a scaled number with its bins, if any, or 1 for its category and 0 for the others."""
    kind = column["kind"]
    if cell.strip().lower() in MISSING and cell not in kind.get("categories", []):
        cell = kind["missing"]
        if cell is None:
            sys.exit(f"a cell of {column['name']!r} is missing, and the model has nothing that stands in for it")
    if "calendar" in column:
        date = days(cell) if isinstance(cell, str) else cell
        has_time = column["calendar"]["time-of-day"]
        date = date if has_time else np.floor(date)
        parts = {name: part for name, part in calendar(date).items() if has_time or not name.endswith("of the day")}
        order = ["sine of the year", "cosine of the year", *[name for name in parts if " " not in name], "sine of the day", "cosine of the day"]
        return number(kind, date) + [parts[name] for name in order if name in parts]
    if kind["type"] == "number":
        return number(kind, float(cell))
    return [float(cell == category) for category in kind["categories"]]  # one never seen in training: all zeros


def number(kind, cell):
    """A scaled number with its bins, if any."""
    scaled = (cell - kind["offset"]) / kind["scale"]
    if "bins" not in kind:
        return [scaled]
    edges, reach = kind["bins"]["edges"], kind["bins"].get("reach", np.inf)
    bins = np.array([(cell - low) / (high - low) for low, high in zip(edges, edges[1:])])
    bins[1:] = np.maximum(bins[1:], 0)
    bins[:-1] = np.minimum(bins[:-1], 1)
    bins = np.clip(bins, -10, 11)  # the outer ones go on for ten of their widths
    return [scaled / np.sqrt(1 + (scaled / reach) ** 2), *bins]


def outputs(model_path, data_path, dtype=None):
    """What the model's file says, each network's outputs for the rows of the data, and these rows' cells."""
    with safe_open(model_path, framework="numpy") as file:
        model = json.loads(file.metadata()["wgrad"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    networks = model.get("members", 1)
    if model["format"] != (1 if networks == 1 else 2):
        sys.exit(f"model format {model['format']} is not known here")

    columns = model["encoding"]["inputs"]
    with open(data_path, newline="", encoding="utf-8-sig") as file:
        cells = list(csv.DictReader(file))
    rows = [sum((encode(column, row[column["name"]]) for column in columns), []) for row in cells]

    each = []
    for network in range(networks):
        prefix = "" if networks == 1 else f"members.{network}."
        x = np.array(rows).astype(dtype or tensors[f"{prefix}0.weight"].dtype)
        for layer, activation in enumerate(model["activations"]):
            z = x @ tensors[f"{prefix}{2 * layer}.weight"].T
            if model["bias"]:
                z = z + tensors[f"{prefix}{2 * layer}.bias"]
            x = ACTIVATIONS[activation](z).astype(z.dtype)
        each.append(x)
    return model, each, cells


def main(model_path, data_path):
    model, each, _ = outputs(model_path, data_path)
    x = np.mean(each, axis=0)
    target = model["encoding"]["target"]
    if target["task"] == "regression":
        names = [column["name"] for column in target["columns"]]
        values = [column["offset"] + column["scale"] * x[:, i].astype(float) for i, column in enumerate(target["columns"])]
        x = np.stack(values, axis=1)
    else:
        names = target["classes"]
        if len(names) == 2 and x.shape[1] == 1:  # one output: the probability of the second class
            x = np.hstack([1 - x, x])

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(x.tolist())


if __name__ == "__main__":
    main(*sys.argv[1:])
