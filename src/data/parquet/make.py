"""Writes the Parquet files of other writers that the tests read, beside itself. Needs pyarrow and polars."""

from pathlib import Path

import polars
import pyarrow
from pyarrow import parquet

ROWS = 40
TOWNS = ["Oslo", "Rome", "Åbo"]

table = pyarrow.table({
    "x": pyarrow.array([None if row % 7 == 3 else row * 0.5 - 3 for row in range(ROWS)], pyarrow.float64()),
    "size": pyarrow.array([row * 100_000 for row in range(ROWS)], pyarrow.int64()),
    "byte": pyarrow.array([row * 13 % 256 for row in range(ROWS)], pyarrow.uint8()),
    "yes": pyarrow.array([None if row == 5 else row % 3 == 0 for row in range(ROWS)], pyarrow.bool_()),
    "town": pyarrow.array([None if row % 11 == 4 else TOWNS[row % 3] for row in range(ROWS)], pyarrow.string()),
})
folder = Path(__file__).parent
small = {"store_schema": False, "write_statistics": False}
parquet.write_table(table, folder / "pyarrow-zstd.parquet", compression="zstd", row_group_size=25, **small)
encodings = {
    "x": "BYTE_STREAM_SPLIT",
    "size": "DELTA_BINARY_PACKED",
    "byte": "DELTA_BINARY_PACKED",
    "yes": "RLE",
    "town": "DELTA_BYTE_ARRAY",
}
parquet.write_table(
    table,
    folder / "pyarrow-lz4.parquet",
    compression="lz4",
    data_page_version="2.0",
    use_dictionary=False,
    column_encoding=encodings,
    row_group_size=30,
    **small,
)
polars.from_arrow(table).write_parquet(folder / "polars.parquet", statistics=False)
