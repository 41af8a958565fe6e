"""Run an ONNX file that wgrad exported, using only onnx, onnxruntime and numpy:

    python run_onnx.py model.onnx data.csv|data.npy

Prints CSV: the class and its probabilities, or the predicted values. Columns are found by name; an npy array is the one input.
"""

import csv
import sys

import numpy as np
import onnx
import onnxruntime

MISSING = {"", "na", "n/a", "nan", "null", "?"}
TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def column(rows, value):
    """The cells of one input of the graph, rows × 1."""
    cells = [row[value.name] for row in rows]
    if value.type == "tensor(string)":
        return np.array(cells, dtype=object).reshape(-1, 1)
    numbers = [float("nan") if cell.strip().lower() in MISSING else float(cell) for cell in cells]
    return np.array(numbers).astype(TYPES[value.type]).reshape(-1, 1)


def main(model_path, data_path):
    onnx.checker.check_model(model_path, full_check=True)
    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])
    assert "wgrad" in session.get_modelmeta().custom_metadata_map
    inputs = session.get_inputs()
    if data_path.endswith(".npy"):
        feed = {inputs[0].name: np.load(data_path)[:, : inputs[0].shape[1]].astype(TYPES[inputs[0].type])}
    else:
        with open(data_path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        feed = {value.name: column(rows, value) for value in inputs}
    outputs = [output.reshape(len(output), -1) for output in session.run(None, feed)]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in zip(*outputs):
        writer.writerow([cell for output in row for cell in output.tolist()])


if __name__ == "__main__":
    main(*sys.argv[1:])
