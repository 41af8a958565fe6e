"""What an ensemble costs and brings: 16 networks beside one, the model beside its networks, and a sweep's best 8 beside its best.

    cargo build --release && python3 benches/ensemble.py [--wgrad PATH] [--seeds N]

First the time of training 16 networks of 64-64-10 on `digits` beside one, in turn, medians, CPU. Then, for the five embedded sets and
so many seeds, the model on the test rows beside the mean of its networks, each trained alone by its own seed: the share of wrong rows
and the log loss, or 1 - R² and the RMSE. Last the same scores of `wgrad sweep --trials 64 --ensemble 8` beside those of its best trial.
Each seed draws a split of its own, half of the rows to test with. It needs Python's own library only.
"""

import argparse
import json
import statistics
import subprocess
import tempfile

SETS = ["breast-cancer", "digits", "iris", "wine", "wine-quality"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wgrad", default="target/release/wgrad")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--networks", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--split", default="0.5/0/0.5")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = iter(range(10**9))

        def wgrad(*arguments):
            output = subprocess.run([said.wgrad, *arguments], capture_output=True, text=True, check=True)
            return json.loads(output.stdout)

        def train(*arguments):
            run = f"{folder}/run-{next(count)}"
            return run, wgrad("train", *arguments, "--device", "cpu", "-q", "--json", "-o", run)

        digits = ["digits", "--hidden", "64", "--epochs", "20", "--learning-rate", "0.005"]
        seconds = {"1": [], "16": []}
        for _ in range(said.repeats):
            for networks, times in seconds.items():
                times.append(train(*digits, "--ensemble", networks)[1]["seconds"])
        one, many = (statistics.median(times) for times in seconds.values())
        print(f"64-64-10 on digits, 20 epochs: one network {one:.3f} s, 16 networks {many:.3f} s: {many / one:.1f} times")

        def scores(test):
            return 1 - test.get("accuracy", test.get("r2")), test.get("log_loss", test.get("rmse"))

        for name in SETS:
            rows = []
            for seed in range(said.seeds):
                half = ["--split", said.split, "--seed", str(seed)]
                run, report = train(name, "--ensemble", str(said.networks), *half)
                seeds = wgrad("inspect", run, "--json")["training"]["seeds"]
                again = ["--config", f"{run}/run.toml", "--ensemble", "1", "--seed"]
                alone = [scores(train(*again, str(each))[1]["test"]) for each in seeds]
                rows.append((*scores(report["test"]), *map(statistics.mean, zip(*alone))))
            tell(name, "its mean network", rows)
        for name in SETS:
            rows = []
            for seed in range(said.seeds):
                sweep = f"{folder}/sweep-{next(count)}"
                flags = ["--split", "0.4/0.1/0.5", "--seed", str(seed), "--trials", "64", "--ensemble", "8"]
                report = wgrad("sweep", name, *flags, "--device", "cpu", "-q", "--json", "-o", sweep)
                together = wgrad("evaluate", sweep, "--device", "cpu", "--json")["evaluation"]
                rows.append((*scores(together), *scores(report["run"]["test"])))
            tell(name, "the best trial", rows)


def tell(name, other, rows):
    """Means of errors and losses, the ensemble's first, and in how many rows they are lower and higher than the other's."""
    means = [statistics.mean(column) for column in zip(*rows)]
    words = []
    for what, label in enumerate(["error", "loss"]):
        lower = sum(row[what] < row[what + 2] - 1e-12 for row in rows)
        higher = sum(row[what] > row[what + 2] + 1e-12 for row in rows)
        words.append(f"{label} {means[what]:.4f}, of {other} {means[what + 2]:.4f} (lower {lower}, higher {higher})")
    print(f"{name:14} {'; '.join(words)}")


if __name__ == "__main__":
    main()
