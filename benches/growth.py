#!/usr/bin/env python3
"""How wgrad's time grows as the data grows: nothing may grow faster than n log n.

    python3 benches/growth.py [WGRAD] [PART OF A NAME …]

Prints what grows, n, the processor's seconds (the least of two runs) and their factor to those of the n before, a tenth of it. The exit
code is 1 if a factor is above the bar. Of n log n it is 12 to 13, of n² it is 100. Needs Python's standard library alone.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

# A factor above this is growth faster than n log n.
BAR = 20.0
# Shorter times are counted as this one: they are those of the process's start.
SHORT = 0.05
# Longer ones are measured once.
LONG = 2.0
# What takes longer is ended and counts as too slow, in seconds of the clock.
MOST = 120.0
# Bytes of one word of a command, of which Linux takes 128 KiB.
WORD = 100_000

PLAIN = ["--device", "cpu", "-q", "--epochs", "1", "--hidden", "none", "--batch-size", "full"]
ROWS = 20


class Failure(Exception):
    """A command that did not end as it should."""


class Desk:
    """A folder to work in, and the binary."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def run(self, words, expected=0):
        """The processor's seconds that a command takes."""
        for name in ("run", "out"):
            path = os.path.join(self.folder, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
        errors = os.path.join(self.folder, "stderr")
        with open(errors, "wb") as told:
            child = subprocess.Popen(
                [self.binary] + words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told
            )
            began = time.monotonic()
            while True:
                done, status, used = os.wait4(child.pid, os.WNOHANG)
                if done:
                    break
                if time.monotonic() - began > MOST:
                    child.kill()
                    os.wait4(child.pid, 0)
                    child.returncode = -9
                    return MOST
                time.sleep(0.002)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != expected:
            with open(errors, errors="replace") as told:
                raise Failure(f"exit code {child.returncode}: {' '.join(words)[:200]}: {told.read()[:500]}")
        return used.ru_utime + used.ru_stime


def names(count, start="c"):
    return [f"{start}{number}" for number in range(count)]


def table(header, rows):
    return "\n".join([",".join(header)] + [",".join(row) for row in rows]) + "\n"


def numbers(columns, seed=1, rows=ROWS):
    """Rows of numbers of two digits, and 0 or 1 behind them."""
    draw = random.Random(seed)
    return [[f"{draw.randrange(10, 99) / 10}" for _ in range(columns)] + [str(row % 2)] for row in range(rows)]


def wide(desk, columns, rows=ROWS):
    desk.write("wide.csv", table(names(columns) + ["y"], numbers(columns, rows=rows)))


def flags(flag, values):
    """A list as so many flags as its length takes."""
    words, length = [[]], 0
    for value in values:
        if length + len(value) > WORD:
            words.append([])
            length = 0
        words[-1].append(value)
        length += len(value) + 1
    return [word for part in words for word in (flag, ",".join(part))]


def model(desk, words, name="model"):
    shutil.rmtree(os.path.join(desk.folder, name), ignore_errors=True)
    desk.run(["train"] + words + PLAIN + ["-o", name])


def trained(words):
    return ["train"] + words + PLAIN + ["-o", "run"]


# Each case makes what it needs and gives the command whose time counts, and its exit code where that is not 0.


def data_of_columns(desk, n):
    wide(desk, n)
    return ["data", "wide.csv"]


def data_as_json(desk, n):
    wide(desk, n)
    return ["data", "wide.csv", "--json"]


def data_of_useless_columns(desk, n):
    rows = [["7" if column % 2 else str(row + 1000) for column in range(n)] + [str(row % 2)] for row in range(24)]
    desk.write("useless.csv", table(names(n, "id ") + ["y"], rows))
    return ["data", "useless.csv"]


def data_with_ignored_columns(desk, n):
    wide(desk, n)
    return ["data", "wide.csv"] + flags("--ignore", names(n)[: n - 1])


def data_with_positions(desk, n):
    wide(desk, n)
    return ["data", "wide.csv"] + flags("--ignore", [str(place) for place in range(n - 1)])


def dry_run_of_columns(desk, n):
    wide(desk, n)
    return trained(["wide.csv", "--dry-run"])


def train_on_columns(desk, n):
    wide(desk, n)
    return trained(["wide.csv"])


def train_on_columns_in_parts(desk, n):
    wide(desk, n)
    return trained(["wide.csv", "--memory", "1B"])


def train_with_ignored_columns(desk, n):
    wide(desk, n)
    desk.write("options.toml", f"data = 'wide.csv'\nignore = {names(n)[: n - 1]}\n")
    return trained(["wide.csv", "--config", "options.toml"])


def train_with_ignored_columns_in_parts(desk, n):
    return train_with_ignored_columns(desk, n) + ["--memory", "1B"]


def train_on_categorical_columns(desk, n):
    rows = [[str((row + column) % 3) for column in range(n)] + [str(row % 2)] for row in range(ROWS)]
    desk.write("kinds.csv", table(names(n) + ["y"], rows))
    desk.write("options.toml", f"data = 'kinds.csv'\ncategorical = {names(n)}\n")
    return trained(["kinds.csv", "--config", "options.toml"])


def train_on_categorical_columns_in_parts(desk, n):
    return train_on_categorical_columns(desk, n) + ["--memory", "1B"]


def train_on_constant_columns(desk, n):
    desk.write("constant.csv", table(names(n) + ["y"], [["7"] * (n - 1) + [str(row % 7), str(row % 2)] for row in range(ROWS)]))
    return trained(["constant.csv"])


def train_on_targets(desk, n):
    wide(desk, n)
    desk.write("options.toml", f"data = 'wide.csv'\ntarget = {names(n)}\n")
    return trained(["wide.csv", "--config", "options.toml"])


def train_on_targets_in_parts(desk, n):
    return train_on_targets(desk, n) + ["--memory", "1B"]


def train_with_missing_cells(desk, n):
    rows = [["" if (row + column) % 5 == 0 else cell for column, cell in enumerate(cells[:-1])] + cells[-1:]
            for row, cells in enumerate(numbers(n))]
    desk.write("gaps.csv", table(names(n) + ["y"], rows))
    return trained(["gaps.csv", "--missing", "median"])


def a_column_that_is_not_there(desk, n):
    wide(desk, n)
    return trained(["wide.csv", "--target", "c_12"]), 3


def of_model_of_columns(*command):
    def case(desk, n):
        wide(desk, n)
        model(desk, ["wide.csv"])
        return [{"MODEL": "model", "DATA": "wide.csv"}.get(word, word) for word in command]

    return case


def of_model_of_targets(*command):
    def case(desk, n):
        wide(desk, n)
        desk.write("options.toml", f"data = 'wide.csv'\ntarget = {names(n)}\n")
        model(desk, ["wide.csv", "--config", "options.toml"])
        return [{"MODEL": "model", "DATA": "wide.csv"}.get(word, word) for word in command]

    return case


def predict_beside_other_columns(desk, n):
    wide(desk, 3)
    model(desk, ["wide.csv"])
    wide(desk, n)
    return ["predict", "model", "wide.csv"]


def predict_without_the_columns(desk, n):
    wide(desk, n)
    model(desk, ["wide.csv"])
    desk.write("others.csv", table(names(n, "col") + ["y"], numbers(n)))
    return ["predict", "model", "others.csv"], 3


def predict_without_the_columns_that_have_long_names(desk, n):
    start = "a_measured_quantity_of_the_plant_"
    desk.write("wide.csv", table(names(n, start) + ["y"], numbers(n)))
    model(desk, ["wide.csv"])
    desk.write("others.csv", table(names(n, start + "nr_") + ["y"], numbers(n)))
    return ["predict", "model", "others.csv"], 3


def finetune_a_model_of_columns(desk, n):
    wide(desk, n)
    model(desk, ["wide.csv"])
    return ["train", "wide.csv", "--finetune", "model", "--device", "cpu", "-q", "--epochs", "1", "-o", "run"]


def finetune_with_new_targets(desk, n):
    desk.write("small.csv", table(["a", "y"], [[str(row % 7), str(row % 2)] for row in range(ROWS)]))
    model(desk, ["small.csv"])
    rows = numbers(n)
    desk.write("wide.csv", table(["a"] + names(n), [[str(row % 7)] + cells[:-1] for row, cells in enumerate(rows)]))
    desk.write("options.toml", f"data = 'wide.csv'\ntarget = {names(n)}\n")
    words = ["--config", "options.toml", "--finetune", "model", "--new-output", "--device", "cpu", "-q", "--epochs", "1"]
    return ["train", "wide.csv"] + words + ["-o", "run"]


def classes(desk, n, rows=20_000):
    desk.write("classes.csv", table(["x", "label"], [[str(row % n), f"k{row % n}"] for row in range(rows)]))


def data_of_classes(desk, n):
    classes(desk, n)
    return ["data", "classes.csv"]


def train_on_classes(desk, n):
    classes(desk, n)
    return trained(["classes.csv", "--stratify"])


def train_with_class_weights(desk, n):
    classes(desk, n)
    weights = ",".join(f"k{number}=2" for number in range(n))
    desk.write("options.toml", f'data = "classes.csv"\nclass-weights = "{weights}"\n')
    return trained(["classes.csv", "--stratify", "--config", "options.toml"])


def of_model_of_classes(*command):
    def case(desk, n):
        classes(desk, n)
        model(desk, ["classes.csv", "--stratify"])
        return [{"MODEL": "model", "DATA": "classes.csv"}.get(word, word) for word in command]

    return case


def a_class_that_is_not_there(desk, n):
    classes(desk, n)
    return trained(["classes.csv", "--class-weights", "k_12=2"]), 2


def data_of_texts(desk, n):
    desk.write("texts.csv", table(["user", "y"], [[f"user{row}", str(row % 2)] for row in range(n)]))
    return ["data", "texts.csv"]


def train_on_texts(desk, n):
    data_of_texts(desk, n)
    return trained(["texts.csv"]), 3


def train_on_categories(desk, n):
    desk.write("texts.csv", table(["user", "y"], [[f"user{row % n}", str(row % 2)] for row in range(4000)]))
    return trained(["texts.csv", "--categorical", "user"])


def predict_of_unknown_categories(desk, n):
    desk.write("texts.csv", table(["user", "y"], [[f"user{row % 90}", str(row % 2)] for row in range(900)]))
    model(desk, ["texts.csv"])
    desk.write("new.csv", table(["user"], [[f"new{row}"] for row in range(n)]))
    return ["predict", "model", "new.csv", "-o", "told.csv"]


def stray(desk, n):
    cells = [["n/k" if row % 7 == 0 else f"{row / 8}", f"{row % 13}", f"{row % 2}"] for row in range(n)]
    desk.write("stray.csv", table(["a", "b", "y"], cells))
    return ["data", "stray.csv"]


def rows(desk, n):
    desk.write("rows.csv", table(["a", "b", "c", "y"], numbers(3, rows=n)))


def of_rows(*command):
    def case(desk, n):
        if "MODEL" in command:
            rows(desk, 100)
            model(desk, ["rows.csv"])
        rows(desk, n)
        words = [{"MODEL": "model", "DATA": "rows.csv"}.get(word, word) for word in command]
        return words + PLAIN + ["-o", "run"] if words[0] == "train" else words

    return case


def spellings(desk, n):
    desk.write("spelled.csv", table(["a", "y"], [[str(row % 7), f"{row % 9_000:07d}"] for row in range(n)]))
    return ["data", "spelled.csv"]


def files(desk, n, folder="files"):
    shutil.rmtree(os.path.join(desk.folder, folder), ignore_errors=True)
    for number in range(n):
        desk.write(f"{folder}/part{number:05d}.csv", table(["a", "b", "y"], numbers(2, seed=number, rows=4)))


def of_files(*command):
    def case(desk, n):
        files(desk, n)
        words = [{"DATA": "files"}.get(word, word) for word in command]
        return words + PLAIN + ["-o", "run"] if words[0] == "train" else words

    return case


def text_files(desk, n):
    """Files of which the last alone has text in a column."""
    files(desk, n)
    desk.write(f"files/part{n:05d}.csv", "a,b,y\nx,1,0\n")
    return ["data", "files"]


def a_file_that_is_not_there(desk, n):
    files(desk, n)
    return ["data", "files/prat00012.csv"], 3


def folds(desk, n):
    rows(desk, 2000)
    return ["train", "rows.csv", "--folds", str(n), "--device", "cpu", "-q", "--epochs", "1", "--hidden", "none", "-o", "run"]


def layers(desk, n):
    rows(desk, 20)
    return ["train", "rows.csv", "--device", "cpu", "-q", "--epochs", "1", "-o", "run", "--hidden", ",".join(["1"] * n)]


def dry_run_of_layers(desk, n):
    return layers(desk, n) + ["--dry-run"]


def epochs(desk, n):
    rows(desk, 20)
    return ["train", "rows.csv", "--device", "cpu", "-q", "--epochs", str(n), "--hidden", "1", "-o", "run"]


def imported(kind):
    def case(desk, n):
        wide(desk, n)
        model(desk, ["wide.csv"])
        if kind == "onnx":
            desk.run(["export", "model", "--format", "onnx", "--plain", "-o", "net.onnx"])
            return ["import", "net.onnx", "-o", "again.safetensors"]
        desk.run(["export", "model", "--format", "safetensors", "-o", "net.safetensors"])
        words = flags("--columns", names(n)) + ["--output-activation", "sigmoid"]
        return ["import", "net.safetensors", "-o", "again.safetensors"] + words

    return case


def arrays(desk, n):
    """An archive of n arrays, of which two are named."""
    import struct
    import zipfile

    def array(shape, values):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        header += " " * (-(len(header) + 11) % 64) + "\n"
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values)

    with zipfile.ZipFile(os.path.join(desk.folder, "many.npz"), "w") as archive:
        for number in range(n - 2):
            archive.writestr(f"other{number}.npy", array("(1,)", [0.0]))
        archive.writestr("x.npy", array("(20, 2)", [float(value % 7) for value in range(40)]))
        archive.writestr("y.npy", array("(20,)", [float(value % 2) for value in range(20)]))
    return ["data", "many.npz:x,y"]


WIDE = [1_000, 10_000, 100_000]
# A model takes some 80,000 columns.
TRAINED = [500, 5_000, 50_000]
CLASSES = [50, 500, 5_000]
FILES = [100, 1_000, 10_000]
MANY = [10_000, 100_000, 1_000_000]
CASES = [
    ("columns: data", WIDE, data_of_columns),
    ("columns: data --json", WIDE, data_as_json),
    ("useless columns: data", WIDE, data_of_useless_columns),
    ("ignored columns: data", WIDE, data_with_ignored_columns),
    ("ignored positions: data", WIDE, data_with_positions),
    ("columns: train --dry-run", TRAINED, dry_run_of_columns),
    ("columns: train", TRAINED, train_on_columns),
    ("columns: train --memory", TRAINED, train_on_columns_in_parts),
    ("ignored columns: train", TRAINED, train_with_ignored_columns),
    ("ignored columns: train --memory", TRAINED, train_with_ignored_columns_in_parts),
    ("categorical columns: train", TRAINED, train_on_categorical_columns),
    ("categorical columns: train --memory", TRAINED, train_on_categorical_columns_in_parts),
    ("constant columns: train", TRAINED, train_on_constant_columns),
    ("columns with gaps: train", TRAINED, train_with_missing_cells),
    ("targets: train", TRAINED, train_on_targets),
    ("targets: train --memory", TRAINED, train_on_targets_in_parts),
    ("columns, one misspelt: train", WIDE, a_column_that_is_not_there),
    ("columns: train --finetune", TRAINED, finetune_a_model_of_columns),
    ("targets: train --finetune --new-output", TRAINED, finetune_with_new_targets),
    ("columns: predict", TRAINED, of_model_of_columns("predict", "MODEL", "DATA")),
    ("columns: predict --append", TRAINED, of_model_of_columns("predict", "MODEL", "DATA", "--append")),
    ("columns: predict --memory", TRAINED, of_model_of_columns("predict", "MODEL", "DATA", "--memory", "1B")),
    ("other columns: predict", WIDE, predict_beside_other_columns),
    ("absent columns: predict", TRAINED, predict_without_the_columns),
    ("absent columns of long names: predict", TRAINED, predict_without_the_columns_that_have_long_names),
    ("columns: evaluate", TRAINED, of_model_of_columns("evaluate", "MODEL", "DATA")),
    ("columns: evaluate --memory", TRAINED, of_model_of_columns("evaluate", "MODEL", "DATA", "--memory", "1B")),
    ("columns: inspect", TRAINED, of_model_of_columns("inspect", "MODEL")),
    ("columns: export onnx", TRAINED, of_model_of_columns("export", "MODEL", "--format", "onnx", "-o", "out.onnx")),
    ("columns: export npz", TRAINED, of_model_of_columns("export", "MODEL", "--format", "npz", "-o", "out.npz")),
    ("columns: export json", TRAINED, of_model_of_columns("export", "MODEL", "--format", "json", "-o", "out.json")),
    ("columns: import onnx", TRAINED, imported("onnx")),
    ("columns: import safetensors", TRAINED, imported("safetensors")),
    ("targets: predict", TRAINED, of_model_of_targets("predict", "MODEL", "DATA")),
    ("targets: predict --append", TRAINED, of_model_of_targets("predict", "MODEL", "DATA", "--append")),
    ("targets: evaluate", TRAINED, of_model_of_targets("evaluate", "MODEL", "DATA")),
    ("targets: evaluate --memory", TRAINED, of_model_of_targets("evaluate", "MODEL", "DATA", "--memory", "1B")),
    ("targets: export onnx", TRAINED, of_model_of_targets("export", "MODEL", "--format", "onnx", "-o", "out.onnx")),
    ("classes: data", FILES, data_of_classes),
    ("classes: train --stratify", CLASSES, train_on_classes),
    ("class weights: train", CLASSES, train_with_class_weights),
    ("classes, one misspelt: train", CLASSES, a_class_that_is_not_there),
    ("classes: predict", CLASSES, of_model_of_classes("predict", "MODEL", "DATA")),
    ("classes: evaluate", CLASSES, of_model_of_classes("evaluate", "MODEL", "DATA")),
    ("classes: evaluate --json", CLASSES, of_model_of_classes("evaluate", "MODEL", "DATA", "--json")),
    ("classes: export onnx", CLASSES, of_model_of_classes("export", "MODEL", "--format", "onnx", "-o", "out.onnx")),
    ("texts: data", MANY, data_of_texts),
    ("texts: train", MANY, train_on_texts),
    ("categories: train", [40, 400, 4_000], train_on_categories),
    ("unknown categories: predict", MANY, predict_of_unknown_categories),
    ("stray texts: data", MANY, stray),
    ("spellings: data", MANY, spellings),
    ("rows: data", MANY, of_rows("data", "DATA")),
    ("rows: train", MANY, of_rows("train", "DATA")),
    ("rows: train --memory", MANY, of_rows("train", "DATA", "--memory", "1B")),
    ("rows: predict --append", MANY, of_rows("predict", "MODEL", "DATA", "--append", "-o", "told.csv")),
    ("rows: evaluate", MANY, of_rows("evaluate", "MODEL", "DATA")),
    ("files: data", FILES, of_files("data", "DATA")),
    ("files: train", FILES, of_files("train", "DATA")),
    ("files: train --memory", FILES, of_files("train", "DATA", "--memory", "1B")),
    ("files, the last with text: data", [100, 1_000, 9_999], text_files),
    ("files, one misspelt: data", FILES, a_file_that_is_not_there),
    ("folds: train", [10, 100, 1_000], folds),
    ("layers: train", [30, 300, 3_000], layers),
    ("layers: train --dry-run", [30, 300, 3_000], dry_run_of_layers),
    ("epochs: train", [1_000, 10_000, 100_000], epochs),
    ("arrays: data", FILES, arrays),
]


def measured(desk, case, n):
    made = case(desk, n)
    words, expected = made if isinstance(made, tuple) else (made, 0)
    seconds = desk.run(words, expected)
    return seconds if seconds > LONG else min(seconds, desk.run(words, expected))


def main():
    binary = "target/release/wgrad"
    parts = sys.argv[1:]
    if parts and os.access(parts[0], os.X_OK):
        binary = parts.pop(0)
    fails = 0
    print(f"{'what grows':42} {'n':>9} {'seconds':>9} {'factor':>7}")
    for name, sizes, case in CASES:
        if parts and not any(part in name for part in parts):
            continue
        before = None
        for n in sizes:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    seconds = measured(Desk(os.path.abspath(binary), folder), case, n)
                except Failure as failure:
                    fails += 1
                    print(f"{name:42} {n:9} {failure}", flush=True)
                    break
            factor = "" if before is None else f"{max(seconds, SHORT) / max(before, SHORT):.1f}"
            too_fast = factor != "" and (float(factor) > BAR or seconds >= MOST)
            fails += too_fast
            print(f"{name:42} {n:9} {seconds:9.3f} {factor:>7}{'  too fast' if too_fast else ''}", flush=True)
            if seconds >= MOST:
                break
            before = seconds
    return 1 if fails else 0


if __name__ == "__main__":
    sys.exit(main())
