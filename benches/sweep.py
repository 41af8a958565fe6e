"""What wgrad sweep takes, beside scikit-learn's RandomizedSearchCV and beside wgrad train: python3 benches/sweep.py [WGRAD].

The machine has to be idle. scikit-learn is left out where it is not installed. Each figure is the median of three, in turn.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WGRAD = str(Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/wgrad").resolve())
REPEATS = 3
RATES = ["--vary", "learning-rate=1e-4..1e-1:log", "--vary", "weight-decay=1e-6..1e-2:log"]


def wgrad(*words):
    """The time of a whole process, and what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        said = subprocess.run([WGRAD, *words, "-q", "--json", "-o", "out"], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - started, json.loads(said.stdout)


def median(run):
    return statistics.median(run() for _ in range(REPEATS))


def beside_scikit_learn():
    """200 trials of 64-64-10 on digits, 20 epochs each, one split, two processes."""
    try:
        from scipy.stats import loguniform
        from sklearn.datasets import load_digits
        from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV, train_test_split
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        print("scikit-learn is not installed: left out")
        return
    import warnings

    warnings.filterwarnings("ignore")
    inputs, digits = load_digits(return_X_y=True)
    inputs = ((inputs - inputs.mean(0)) / (inputs.std(0) + 1e-12)).astype("float32")
    rest, _, rest_digits, _ = train_test_split(inputs, digits, test_size=180, stratify=digits, random_state=0)
    fit, judge, fit_digits, judge_digits = train_test_split(
        rest, rest_digits, test_size=180, stratify=rest_digits, random_state=0
    )
    import numpy

    inputs, digits = numpy.r_[fit, judge], numpy.r_[fit_digits, judge_digits]
    split = PredefinedSplit(numpy.r_[numpy.full(len(fit), -1), numpy.zeros(len(judge))])

    def searched(batch):
        net = MLPClassifier((64,), max_iter=20, batch_size=batch, random_state=0, tol=0, n_iter_no_change=1000)
        space = {"learning_rate_init": loguniform(1e-4, 1e-1), "alpha": loguniform(1e-6, 1e-2)}
        search = RandomizedSearchCV(net, space, n_iter=200, n_jobs=2, cv=split, random_state=0, refit=False)
        started = time.perf_counter()
        search.fit(inputs, digits)
        return time.perf_counter() - started, search.best_score_

    for batch in [32, 64, 200]:
        ours, theirs, best = [], [], []
        for _ in range(REPEATS):
            words = ["sweep", "digits", "--hidden", "64", "--trials", "200", "--search", "random", "--batch-size", str(batch)]
            seconds, report = wgrad(*words, *RATES)
            their_seconds, their_best = searched(batch)
            ours.append(seconds)
            theirs.append(their_seconds)
            best.append((report["best"]["score"], their_best))
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        scores = " and ".join(f"{score:.4f}" for score in best[0])
        print(f"batch {batch}: wgrad {ours:.2f} s, scikit-learn {theirs:.2f} s, {theirs / ours:.1f} times; best {scores}")


def beside_training():
    """A step of a trial among 1,000, beside a step of a training alone: both without reading and reporting."""
    import random

    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "three.csv"
        rows = [[random.gauss(0, 1) for _ in range(3)] for _ in range(1000)]
        lines = [f"{a:.4f},{b:.4f},{c:.4f},{a * b + c:.4f}" for a, b, c in rows]
        table.write_text("a,b,c,y\n" + "\n".join(lines) + "\n")
        for net, data, hidden, more in [
            ("3-4-1", str(table), "4", ["--bins", "0"]),
            ("64-32-10", "digits", "32", []),
            ("64-64-10", "digits", "64", []),
        ]:
            common = [data, "--hidden", hidden, "--batch-size", "32", *more]

            def alone():
                epochs = ["--epochs", "100", "--patience", "100", "--schedule", "cosine", "--split", "0.8/0.1/0.1"]
                report = wgrad("train", *common, *epochs)[1]
                return report["seconds"] / report["steps"]

            steps = 20 * -(-(1437 if data == "digits" else 800) // 32)
            many = ["sweep", *common, "--trials", "1000", "--search", "random", *RATES]
            one, each = median(alone), median(lambda: wgrad(*many)[1]["seconds"] / 1000 / steps)
            print(f"{net}: {1e6 * one:.2f} us a step alone, {1e6 * each:.2f} us among 1,000: {each / one:.2f}")


def beside_the_full_search():
    """The best score of halving, and its time, beside those of the full search, over five seeds."""
    for data in ["digits", "wine-quality"]:
        shares = []
        for seed in range(1, 6):
            words = ["sweep", data, "--trials", "128", "--seed", str(seed), "--search"]
            full, halved = [wgrad(*words, search)[1] for search in ["random", "halving"]]
            shares.append(halved["seconds"] / full["seconds"])
            points = 100 * (halved["best"]["score"] - full["best"]["score"])
            print(f"{data}, seed {seed}: {full['best']['score']:.4f}, halving {points:+.2f} points")
        print(f"{data}: halving takes {statistics.median(shares):.2f} of the time")


beside_scikit_learn()
beside_training()
beside_the_full_search()
