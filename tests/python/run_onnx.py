"""Run an ONNX file that wgrad exported, using only onnx, onnxruntime and numpy:

    python run_onnx.py model.onnx data.csv|data.npy [--delimiter D] [--decimal D] [--no-header] [--strip]

Prints CSV: the class and its probabilities, or the predicted values. Columns are found by name; those of an npy array, or of a file
without a header, may be one input. Texts are fed as they are in the file, with `--strip` without the spaces around them.
"""

import argparse
import csv
import sys

import numpy as np
import onnx
import onnxruntime
from networks import MISSING, days

TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def table(path, delimiter, has_header):
    """The rows by the names of their columns; comments, and Excel's line, may come before."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = list(file)
    while lines[0].startswith(("# ", "sep=")):
        line = lines.pop(0)
        delimiter = line[4] if line.startswith("sep=") else delimiter
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    names = rows.pop(0) if has_header else map(str, range(len(rows[0])))
    names = [name.strip() or f"unnamed {place}" for place, name in enumerate(names)]
    return [dict(zip(names, row)) for row in rows]


def column(cells, kind, decimal, strip):
    """The cells of one input of the graph, rows × 1."""
    if kind == "tensor(string)":
        return np.array([cell.strip() if strip else cell for cell in cells], dtype=object).reshape(-1, 1)
    if kind == "tensor(int64)":  # dates, as seconds since 1970
        no_date = np.iinfo(np.int64).min
        dates = [no_date if cell.strip().lower() in MISSING else round(days(cell) * 86400) for cell in cells]
        return np.array(dates, dtype=np.int64).reshape(-1, 1)
    cells = [cell.strip().replace(decimal, ".") for cell in cells]
    numbers = [float("nan") if cell.lower() in MISSING else float(cell) for cell in cells]
    return np.array(numbers).astype(TYPES[kind]).reshape(-1, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--delimiter", default=",")
    parser.add_argument("--decimal", default=".")
    parser.add_argument("--no-header", action="store_true")
    parser.add_argument("--strip", action="store_true")
    said = parser.parse_args()
    onnx.checker.check_model(said.model, full_check=True)
    session = onnxruntime.InferenceSession(said.model, providers=["CPUExecutionProvider"])
    assert "wgrad" in session.get_modelmeta().custom_metadata_map
    inputs = session.get_inputs()
    width = inputs[0].shape[1]
    if said.data.endswith(".npy"):
        feed = {inputs[0].name: np.load(said.data)[:, :width].astype(TYPES[inputs[0].type])}
    else:
        rows = table(said.data, said.delimiter, not said.no_header)
        cells = lambda name, kind: column([row[name] for row in rows], kind, said.decimal, said.strip)
        if width > 1:
            feed = {inputs[0].name: np.hstack([cells(str(place), inputs[0].type) for place in range(width)])}
        else:
            feed = {value.name: cells(value.name, value.type) for value in inputs}
    outputs = [output.reshape(len(output), -1) for output in session.run(None, feed)]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in zip(*outputs):
        writer.writerow([cell for output in row for cell in output.tolist()])


if __name__ == "__main__":
    main()
