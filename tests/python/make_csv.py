"""Make small CSV files that are hard to read, and what pandas reads of each:

    python make_csv.py SEED COUNT FOLDER [FIRST]

Writes N.csv for COUNT numbers N from FIRST (0) on, and FIRST.jsonl with a line for each; a file depends on SEED and N alone. A line is
an object of

    delimiter, said     what separates the cells, and whether the reader has to be told so
    header              whether the first row names the columns
    told                how the numbers are written, if the reader has to be told so: [decimal, thousands or null]
    marks               what is odd about the file: "short row", "long row", "open quote", "not UTF-8", "blank line", "clear"
    refused             why pandas refuses it, or null
    names, rows         the header and the other rows, each cell as text with the spaces around it
    readings            [decimal, thousands, columns]: how numbers may be written, and what the columns are then: null for text, or
                        the bits of each double, null where it is missing
"""

import io
import itertools
import json
import pathlib
import random
import re
import struct
import sys
import warnings

import pandas as pd

# Unicode's White_Space.
SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def in_any_case(word):
    return {"".join(letters) for letters in itertools.product(*((letter.lower(), letter.upper()) for letter in word))}


MISSING = sorted({"", "?"}.union(*map(in_any_case, ["na", "n/a", "nan", "+nan", "-nan", "null"])))

WORDS = ["red", "green", "Berlin", "Łódź", "naïve", "日本", "🦀", "𝒳", "e\u0301", "א", "a b", "O'Hara", "n", "NAN.", "nul", "nah", "--"]
WORDS += ["True", "False", "TRUE", "false", "yes", "-", "+", ".", "\ufeffmark", "\x01", "a\\b", "50%", "$5", "é", "\U0010fffd"]
DATES = ["2024-01-02", "2024-01-02T03:04:05Z", "01/02/2024", "03.04.2024", "12:30", "12:30:59.5", "1 Jan 2024", "20240102"]
ODD = ["1e5", "1E5", "1e+5", "1e-5", ".5", "5.", "+5", "-.5", "+.5e1", "1e", "e5", ".", "1e+", "+-1", "--5", "5-", "1..2", "1.2.3"]
ODD += ["0x1A", "1f", "1d3", "1e5.0", "1_000", "1 2", "- 5", "١٢", "１", "−5", "1%", "½", "5e", "+", "1e1e1", "0b1", "1L", "1.5f", "(5)"]
INFINITE = ["inf", "-inf", "+Inf", "INF", "Infinity", "-INFINITY", "iNf", "1e39", "-3.5e38", "1e999", "9" * 60]
COMMENTS = ["# by a logger, 2026", "# station 7", "#", "## made in May", "# x, y, and so on", "# a \"mark"]


def digits(r, least, most):
    return "".join(r.choice("0123456789") for _ in range(r.randint(least, most)))


def sign(r):
    return r.choice(["", "", "", "-", "+"])


def integer(r):
    return sign(r) + r.choice([str(r.randint(0, 99)), "0", str(r.randint(0, 10**9)), "00" + digits(r, 1, 4)])


def decimal(r):
    return sign(r) + str(r.randint(0, 9999)) + "." + digits(r, 1, 8)


def exponent(r):
    return sign(r) + r.choice([digits(r, 1, 3), digits(r, 1, 2) + "." + digits(r, 0, 5)]) + r.choice("eE") + sign(r) + digits(r, 1, 2)


def extreme(r):
    """Long, very small, and halfway between two doubles."""
    return r.choice(
        [
            lambda: sign(r) + digits(r, 15, 25),
            lambda: sign(r) + "0." + digits(r, 15, 60),
            lambda: sign(r) + digits(r, 1, 25) + "." + digits(r, 1, 400),
            lambda: sign(r) + "0." + "0" * r.randint(30, 400) + digits(r, 1, 30),
            lambda: digits(r, 1, 20) + "e-" + str(r.randint(290, 345)),
            lambda: r.choice(["5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072014e-308", "-0", "-0.0"]),
            lambda: r.choice(["9007199254740993", "9007199254740992.5", "18446744073709551615", "9223372036854775808", "1e23", "8.5e22"]),
            lambda: "%.17g" % struct.unpack("<d", struct.pack("<Q", r.getrandbits(62)))[0] if r.random() < 0.5 else "3.4028234663852886e38",
            lambda: "0" * r.randint(1, 40) + digits(r, 1, 10),
        ]
    )()


def text(r, delimiter):
    return r.choice(
        [
            lambda: r.choice(WORDS),
            lambda: r.choice(WORDS) + delimiter + r.choice(WORDS),
            lambda: r.choice(WORDS) + r.choice(["\n", "\r\n", "\r", "\n\n"]) + r.choice(WORDS),
            lambda: r.choice(['"', 'say "hi"', '5" pipe', '""', '"q"', "'q'"]),
            lambda: "#" + str(r.randint(1, 9)),
            lambda: "".join(chr(r.choice([r.randint(0x21, 0x7E), r.randint(0xA1, 0xD7FF), r.randint(0xE000, 0x10FFFF)])) for _ in range(3)),
            lambda: r.choice(DATES),
        ]
    )()


def column(r, rows, delimiter, is_short):
    """The cells of a column of one kind, some of them missing; `is_short`: without numbers of many digits."""
    kinds = {
        "integers": lambda: integer(r),
        "decimals": lambda: decimal(r),
        "numbers": lambda: r.choice([integer, decimal, exponent])(r),
        "extremes": lambda: extreme(r),
        "texts": lambda: text(r, delimiter),
        "dates": lambda: r.choice(DATES),
        "truths": lambda: r.choice(["True", "False", "true", "FALSE"]),
        "words": lambda: r.choice(WORDS[:6]),
        "missing": lambda: r.choice(MISSING),
    }
    kind = r.choices(list(kinds), [5, 5, 0, 0, 6, 1, 1, 2, 1] if is_short else [5, 5, 5, 5, 6, 1, 1, 2, 1])[0]
    cells = [kinds[kind]() for _ in range(rows)]
    if cells and r.random() < 0.25:
        cells[r.randrange(rows)] = r.choice(ODD)
    if cells and r.random() < 0.03:
        cells[r.randrange(rows)] = r.choice(INFINITE)
    if cells and r.random() < 0.03:
        cells[r.randrange(rows)] = r.choice(WORDS)
    if r.random() < 0.35:
        cells = [r.choice(MISSING) if r.random() < 0.3 else cell for cell in cells]
    return cells


def grouped(whole, sign):
    """Digits in groups of three."""
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", sign, whole)


def other_numbers(r, rows, decimal, thousands):
    """A column of numbers with other signs; the first leaves no doubt."""
    cells = []
    for row in range(rows):
        whole = str(r.choice([r.randint(0, 999), r.randint(1000, 10**7)]))
        whole = grouped(whole, thousands) if thousands else whole
        part = decimal + digits(r, 1, 2) if row == 0 or r.random() < 0.8 else ""
        cells.append(r.choice(["", "", "-"]) + whole + part)
    if thousands and cells:
        cells[0] = "1" + thousands + "234" + decimal + "5"
    return cells


def name(r, position):
    return r.choices(
        [f"c{position}", f"größe {position}", f"{position}", "", f"x.{position}", f"a\nb{position}", f'q"{position}', "c0", "1.5", f"🦀{position}"],
        [30, 4, 3, 2, 3, 1, 1, 0.5, 0.5, 2],
    )[0]


def written(r, cell, delimiter, quoting, alone, spaced, is_plain):
    """A cell as the file has it: quoted as the way to quote says, or where it has to be."""
    if spaced and r.random() < 0.4:
        spaces = [r.choice(["", " ", "  ", "\t" if delimiter != "\t" else " ", "\xa0", "\u3000"]) for _ in range(2)]
        cell = spaces[0] + cell + spaces[1]
    needs = any(sign in cell for sign in [delimiter, '"', "\n", "\r"]) or alone and cell.strip(" \t") == ""
    is_number = re.fullmatch(r"[-+.0-9eE]+", cell) is not None
    quotes = {"minimal": False, "all": True, "nonnumeric": not is_number, "random": r.random() < 0.4}[quoting]
    if not needs and spaced and not is_plain and r.random() < 0.05:
        # Before a mark there is a space, so that it is one like others; or something follows the last mark.
        return r.choice([' "' + cell + '"', '"' + cell + '" ', '"' + cell + '"x'])
    if cell in ['5" pipe', 'say "hi"'] and r.random() < 0.5:
        return cell
    return '"' + cell.replace('"', '""') + '"' if needs or quotes else cell


def made(r):
    """A file: its bytes, those of the table in it, what a reader has to be told, and how the numbers may be written."""
    delimiter = r.choices(",;\t|", [5, 2, 1, 1])[0]
    header = r.random() < 0.8
    columns, rows = r.choice([1, 2, 2, 3, 4, 6]), r.choice([1, 2, 3, 4, 5, 8, 0] if r.random() < 0.3 else [3, 4, 5])
    quoting = r.choice(["minimal", "minimal", "all", "nonnumeric", "random"])
    end = r.choice(["\n", "\n", "\r\n", "\r"])
    marks, told = [], None
    is_other = r.random() < 0.12 and rows > 0
    numerals = r.choice([(",", None), (",", "."), (",", " "), (",", "'"), (".", ",")]) if is_other else (",", None)
    # Where pandas is told of groups, it does not read long numbers to the last bit.
    cells = [column(r, rows, delimiter, numerals[1] is not None) for _ in range(columns)]
    if is_other:
        at = r.randrange(columns)
        others = {place for place in range(columns) if place == at or r.random() < 0.5}
        cells = [other_numbers(r, rows, *numerals) if place in others else cells[place] for place in range(columns)]
        if r.random() < 0.5:
            told = numerals
        elif r.random() < 0.7:
            # Nothing else looks like a number.
            words = ["red", "green", "NA"]
            cells = [cells[place] if place in others else [r.choice(words) for _ in range(rows)] for place in range(columns)]
            marks.append("clear")
    spaced = r.random() < 0.3
    lines = [list(row) for row in zip(*cells)]
    if header:
        names = [name(r, place) for place in range(columns)]
        # Such a name tells itself from a comment where a number comes next, no row begins as it does, and lines end where rows do.
        numbers = any(re.fullmatch(r"[-+]?[0-9]+([.,][0-9]+)?", cell) for cell in lines[0]) if lines else False
        is_alone = not any(line[0].lstrip().startswith("#") for line in lines)
        if numbers and names[0] and r.random() < 0.1 and is_alone:
            names[0] = "#" + names[0]
        lines.insert(0, names)
    if r.random() < 0.04 and len(lines) > 1 and not lines[0][0].startswith("#"):
        row = r.randrange(1, len(lines))
        # One empty cell would be an empty line.
        short = columns > 1 and lines[row][0] != "" and r.random() < 0.5
        lines[row] = lines[row][:-1] if short else lines[row] + ["x"]
        marks.append("short row" if short else "long row")
    alone, is_plain = columns == 1, is_other
    if lines and lines[0] and lines[0][0].startswith("#"):
        is_plain = True
        lines = [[re.sub(r"[\r\n]+", " ", cell) for cell in line] for line in lines]
    records = [delimiter.join(written(r, cell, delimiter, quoting, alone, spaced, is_plain) for cell in line) for line in lines]
    ends = [end] * len(records)
    if r.random() < 0.05:
        ends = [r.choice(["\n", "\r\n", "\r"]) for _ in records]
    body = ""
    for record, own, following in zip(records, ends, records[1:] + [""]):
        body += record + own
        blank = own * r.randint(1, 3) if r.random() < 0.05 else ""
        # pandas 3.1.1 loses the empty cell that comes first after a skipped line of a carriage return alone.
        body += blank if own != "\r" or not following.startswith(delimiter) else ""
    if r.random() < 0.02 and records and not marks:
        # Between the header and the end, where pandas skips it.
        body += "  " + end
        marks.append("blank line")
    if r.random() < 0.3 and "blank line" not in marks:
        body = body.rstrip("\r\n") if not body.rstrip("\r\n").endswith(delimiter) else body
    if r.random() < 0.02 and records and not marks:
        body += ("" if body.endswith(("\n", "\r")) else end) + '"' + "x" + delimiter + "y" + end
        marks.append("open quote")
    # What comes first there is a mark of the byte order.
    body = body.lstrip("\ufeff")
    table, said = body, delimiter != ","
    if r.random() < 0.04 and header and columns > 1 and any(name.startswith("c") for name in names):
        # A name that is no number tells the header from a comment.
        comments = r.sample(COMMENTS, r.randint(1, 3))
        body = "".join(comment + end for comment in comments) + body
    elif r.random() < 0.03 and records:
        body = f"sep={delimiter}{end}{body}"
        said = False
    if columns == 1 and not said and r.random() < 0.5:
        said = True
    bytes_, table = body.encode(), table.encode()
    if r.random() < 0.02 and records and not marks and columns > 1 and bytes_.endswith(b"\n"):
        last = b"\xff" + (delimiter * (columns - 1)).encode() + b"\n"
        bytes_, table = bytes_ + last, table + last
        marks.append("not UTF-8")
    if r.random() < 0.1:
        bytes_ = b"\xef\xbb\xbf" + bytes_
        table = b"\xef\xbb\xbf" + table
    told = {"delimiter": delimiter, "said": said, "header": header, "told": told, "marks": marks}
    return bytes_, table, told, [numerals] if re.search(rb"\d,\d", bytes_) else []


def bits(number):
    return None if number != number else struct.unpack("<Q", struct.pack("<d", float(number)))[0]


def columns_of(source, cells, options):
    """What pandas makes of each column: numbers or text."""
    frame = pd.read_csv(source(), **options)
    columns = []
    for place in range(frame.shape[1]):
        values = frame.iloc[:, place]
        if not pd.api.types.is_numeric_dtype(values) and any(re.search(r"\d{19}", row[place]) for row in cells):
            # Whole numbers of more than 64 bits are none unless they are said to be.
            try:
                values = pd.read_csv(source(), **options, dtype={frame.columns[place]: "float64"}).iloc[:, place]
            except ValueError:
                pass
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns.append([bits(value) for value in values.tolist()])
        else:
            columns.append(None)
    return columns


def is_misgrouped(cell, thousands):
    """Whether digits are in groups, but not in groups of three."""
    whole = re.split(r"[,.eE]" if thousands in "' " else "[eE]" + ("|," if thousands == "." else r"|\."), cell)[0]
    return thousands in whole and re.fullmatch(r"[-+]?[1-9]\d{0,2}(%s\d{3})+" % re.escape(thousands), whole) is None


def read(table, told, numerals):
    """What pandas reads."""
    common = {"sep": told["delimiter"], "keep_default_na": False, "index_col": False}
    frame = pd.read_csv(io.BytesIO(table), **common, dtype=str, na_filter=False, header=None)
    cells = frame.values.tolist()
    names, cells = (cells[0], cells[1:]) if told["header"] else (None, cells)
    source, header = lambda: io.BytesIO(table), 0 if told["header"] else None
    if any(cell != cell.strip(SPACES) for row in cells for cell in row):
        # The same without the spaces around cells.
        quoted = lambda row: told["delimiter"].join('"' + cell.strip(SPACES).replace('"', '""') + '"' for cell in row)
        plain = "\n".join(map(quoted, cells)).encode()
        source, header = lambda: io.BytesIO(plain), None
    common |= {"na_values": MISSING, "header": header, "float_precision": "round_trip"}
    readings = []
    for decimal, thousands in [told["told"]] if told["told"] else [(".", None), *numerals]:
        columns = columns_of(source, cells, common | {"decimal": decimal, "thousands": thousands}) if cells else [None] * frame.shape[1]
        if thousands:
            for place in range(len(columns)):
                if any(is_misgrouped(row[place].strip(SPACES), thousands) for row in cells):
                    columns[place] = None
        readings.append([decimal, thousands, columns])
    return {"names": names, "rows": cells, "readings": readings}


def main(seed, count, folder, first="0"):
    warnings.simplefilter("ignore")
    folder, lines = pathlib.Path(folder), []
    for number in range(int(first), int(first) + int(count)):
        bytes_, table, told, numerals = made(random.Random(f"{seed} {number}"))
        try:
            expected = {"refused": None} | read(table, told, numerals)
        except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
            expected = {"refused": f"{type(error).__name__}: {error}", "names": None, "rows": [], "readings": []}
        (folder / f"{number}.csv").write_bytes(bytes_)
        lines.append(json.dumps({"number": number} | told | expected) + "\n")
    (folder / f"{first}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
