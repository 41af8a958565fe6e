"""The mean loss of a regression that wgrad trained, from its model file alone; of several networks, the mean of their losses:

    python losses.py model.safetensors data.csv

Targets are scaled as the model's file says.
"""

import sys

import numpy as np
from predict import outputs

LOSSES = {
    "squared-error": lambda e, _: e**2 / 2,
    "absolute-error": lambda e, _: abs(e),
    "huber": lambda e, delta: np.where(abs(e) <= delta, e**2 / 2, delta * (abs(e) - delta / 2)),
}


def main(model_path, data_path):
    model, each, cells = outputs(model_path, data_path, np.float64)
    columns = model["encoding"]["target"]["columns"]
    y = [[(float(row[column["name"]]) - column["offset"]) / column["scale"] for column in columns] for row in cells]
    losses = LOSSES[model["loss"]](np.array(each) - np.array(y), model.get("loss_number"))
    print(losses.sum(axis=2).mean())


if __name__ == "__main__":
    main(*sys.argv[1:])
