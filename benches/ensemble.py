"""What an ensemble costs and brings: 16 networks beside one, and the model beside its members.

    cargo build --release && python3 benches/ensemble.py [--wgrad PATH] [--seeds N]

First the time of training 16 networks of 64-64-10 on `digits` beside one, in turn, medians, CPU. Then, for the five embedded sets and
so many seeds, the model on the test rows beside the mean of its networks, each trained alone by its own seed: the share of wrong rows
and the log loss, or 1 - R² and the RMSE. Each seed draws a split of its own, half of the rows to test with. It needs Python's own
library only.
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

        def scores(report):
            test = report["test"]
            return 1 - test.get("accuracy", test.get("r2")), test.get("log_loss", test.get("rmse"))

        for name in SETS:
            rows = []
            for seed in range(said.seeds):
                half = ["--split", said.split, "--seed", str(seed)]
                run, report = train(name, "--ensemble", str(said.networks), *half)
                seeds = wgrad("inspect", run, "--json")["training"]["seeds"]
                again = ["--config", f"{run}/run.toml", "--ensemble", "1", "--seed"]
                alone = [scores(train(*again, str(each))[1]) for each in seeds]
                rows.append((*scores(report), *map(statistics.mean, zip(*alone))))
            error, loss, error_alone, loss_alone = (statistics.mean(column) for column in zip(*rows))
            worse = [sum(row[what] > row[what + 2] + 1e-12 for row in rows) for what in (0, 1)]
            print(
                f"{name:14} error {error:.4f} together, {error_alone:.4f} the mean network (worse in {worse[0]} of {said.seeds} seeds); "
                f"loss {loss:.4f}, {loss_alone:.4f} (worse in {worse[1]})"
            )


if __name__ == "__main__":
    main()
