"""What the scripts beside this one know of wgrad's networks: activations, dates, and the spellings of a missing cell."""

import math
from datetime import datetime, timedelta, timezone

import numpy as np

MISSING = {"", "na", "n/a", "nan", "null", "?"}

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def days(text):
    """The days since 1970 of a date in ISO form, in UTC."""
    date = datetime.fromisoformat(text.strip().replace("/", "-"))
    return ((date if date.tzinfo else date.replace(tzinfo=timezone.utc)) - EPOCH) / timedelta(days=1)


def calendar(days):
    """What a date becomes beside its scaled days, by name."""
    circle = lambda share: (math.sin(2 * math.pi * share), math.cos(2 * math.pi * share))
    names = ["sine of the year", "cosine of the year", "sine of the day", "cosine of the day"]
    parts = dict(zip(names, circle(days / 365.2425) + circle(days)))
    week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    weekday = (EPOCH + timedelta(days=math.floor(days))).weekday()
    return parts | {name: float(day == weekday) for day, name in enumerate(week)}


erfc = np.vectorize(math.erfc, otypes=[float])


def softmax(z):
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


ACTIVATIONS = {
    "sigmoid": lambda z: np.where(z < 0, np.exp(-abs(z)), 1) / (1 + np.exp(-abs(z))),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky-relu": lambda z: np.where(z < 0, 0.01 * z, z),
    "gelu": lambda z: z * 0.5 * erfc(-z / math.sqrt(2)),
    "softplus": lambda z: np.logaddexp(z, 0),
    "silu": lambda z: z * np.exp(-np.logaddexp(-z, 0)),
    "identity": lambda z: z,
    "softmax": softmax,
}
