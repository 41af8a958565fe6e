"""Predict from an npz archive that wgrad exported, using numpy alone:

    python read_npz.py model.npz data.csv

Prints CSV: the outputs, of a regression in the targets' own units.
"""

import csv
import sys

import numpy as np
from networks import ACTIVATIONS, MISSING, calendar, days


def cell(text, category, missing, part):
    is_missing = text.strip().lower() in MISSING
    if part:  # of a date, for which a date stands in
        date = missing if is_missing else days(text)
        return date if part == "days" else calendar(date)[part]
    if is_missing:
        return missing
    return float(text == category) if category else float(text)


def main(model_path, data_path):
    model = np.load(model_path)
    with open(data_path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts = model["parts"] if "parts" in model else [""] * len(model["columns"])
    inputs = list(zip(model["columns"], model["categories"], model["missing"], parts))
    x = np.array([[cell(row[column], *of_input) for column, *of_input in inputs] for row in rows])
    x = (x - model["offset"]) / model["scale"]
    if "reach" in model:  # bins
        x = np.clip(x / np.sqrt(1 + (x / model["reach"]) ** 2), model["least"], model["most"])
    for layer, activation in enumerate(model["activations"], 1):
        x = ACTIVATIONS[activation](x @ model[f"W{layer}"] + model[f"b{layer}"])
    x = x.mean(axis=0) if x.ndim == 3 else x  # several networks
    if "targets" in model:
        x = x * model["target_scale"] + model["target_offset"]
    csv.writer(sys.stdout, lineterminator="\n").writerows(x.tolist())


if __name__ == "__main__":
    main(*sys.argv[1:])
