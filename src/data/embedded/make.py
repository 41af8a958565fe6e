"""Makes the embedded data sets from the files that NOTICE names: python3 make.py SKLEARN_FOLDER LINFA_FOLDER.

Every set becomes ordinary CSV, header first, target last, classes by name; then gzip without a time, so that the
bytes repeat.
"""
import csv
import gzip
import io
import pathlib
import sys

MEASURES = ["radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points", "symmetry",
            "fractal_dimension"]
HEADERS = {
    "iris": ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"],
    "wine": ["alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
             "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline", "cultivar"],
    "breast-cancer": [f"{part}_{measure}" for part in ("mean", "error", "worst") for measure in MEASURES] + ["diagnosis"],
    "digits": [f"pixel_{row}_{column}" for row in range(8) for column in range(8)] + ["digit"],
}


def rows_of(path):
    with open(path, newline="") as file:
        return [row for row in csv.reader(file) if row]


def with_class_names(path):
    """The first row of these files is: rows, columns, class names."""
    (_, _, *names), *rows = rows_of(path)
    return [row[:-1] + [names[int(row[-1])]] for row in rows]


def write(name, header, rows):
    assert all(len(row) == len(header) for row in rows), name
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    (pathlib.Path(__file__).parent / f"{name}.csv.gz").write_bytes(packed)
    print(name, len(rows), "rows,", len(header), "columns,", len(packed), "bytes")


sklearn, linfa = map(pathlib.Path, sys.argv[1:])
write("iris", HEADERS["iris"], with_class_names(sklearn / "iris.csv"))
write("wine", HEADERS["wine"], with_class_names(sklearn / "wine_data.csv"))
write("breast-cancer", HEADERS["breast-cancer"], with_class_names(sklearn / "breast_cancer.csv"))
write("digits", HEADERS["digits"], rows_of(sklearn / "digits.csv"))
header, *rows = rows_of(linfa / "winequality-red.csv")
write("wine-quality", [name.replace(" ", "_") for name in header], rows)
