"""One reader of vectors as text, in a process of its own: ``vectors_text_readers.py NAME FILE``.

Prints JSON: the seconds from before its library is imported, the process's peak memory, and what it found. With
``--answers`` the file is the small one of quirks, and it is counted which of its rows came out right.
"""

import argparse
import json
import time
from pathlib import Path


def read_with_meltpoint(path, _dim):
    from meltpoint.vectors import open_vectors

    vectors = open_vectors(path)
    return vectors.words, vectors.matrix


def read_with_gensim(path, _dim):
    from gensim.models import KeyedVectors

    vectors = KeyedVectors.load_word2vec_format(path, binary=False, no_header=True)
    return vectors.index_to_key, vectors.vectors


def read_with_textbook_loop(path, _dim):
    import numpy as np

    vectors = {}
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as the textbooks write it
        for line in file:
            values = line.split()
            vectors[values[0]] = np.asarray(values[1:], dtype="float32")
    return list(vectors), list(vectors.values())


def read_as_torchtext_did(path, dim):
    import torch

    words, rows = [], []
    with open(path, "rb") as file:  # noqa: PTH123
        for line in file:
            word, *numbers = line.rstrip().split(b" ")
            if len(numbers) == dim:
                words.append(word.decode("utf-8"))
                rows.append(torch.tensor([float(number) for number in numbers]))
    return words, torch.stack(rows).numpy()


def read_with_polars(path, dim):
    import polars as pl

    schema = {"word": pl.String} | {str(column): pl.Float32 for column in range(dim)}
    frame = pl.read_csv(path, separator=" ", has_header=False, quote_char=None, schema=schema)
    return frame["word"].to_list(), frame.drop("word").to_numpy()


def read_with_numpy(path, dim):
    import numpy as np

    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        words = [line.split(" ", 1)[0] for line in file]
    matrix = np.loadtxt(
        path, dtype=np.float32, comments=None, delimiter=" ", usecols=range(1, dim + 1), encoding="utf-8"
    )
    return words, matrix


def select_with_meltpoint(path, _dim, words):
    from meltpoint.vectors import open_vectors

    vectors = open_vectors(path, words=words)
    return vectors.words, vectors.matrix


def select_with_textbook_loop(path, _dim, words):
    import numpy as np

    wanted, vectors = set(words), {}
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            values = line.split()
            if values[0] in wanted:
                vectors[values[0]] = np.asarray(values[1:], dtype="float32")
    return list(vectors), list(vectors.values())


READERS = {
    "meltpoint": read_with_meltpoint,
    "gensim": read_with_gensim,
    "textbook loop": read_with_textbook_loop,
    "torchtext style": read_as_torchtext_did,
    "polars": read_with_polars,
    "numpy": read_with_numpy,
}
SELECTORS = {"meltpoint": select_with_meltpoint, "textbook loop": select_with_textbook_loop}


def count_right(words, matrix, answers):
    import numpy as np

    first = {}
    for word, row in zip(words, matrix, strict=True):
        first.setdefault(word, np.asarray(row))
    return sum(
        word in first and np.array_equal(first[word].astype(np.float32), np.array(numbers).astype(np.float32))
        for word, numbers in answers
    )


def measure_peak():
    """Returns the most memory this process has held; getrusage would count what the parent held when it forked."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=READERS)
    parser.add_argument("file")
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--words", type=Path)
    parser.add_argument("--answers", type=Path)
    options = parser.parse_args()
    start = time.perf_counter()
    if options.words:
        wanted = options.words.read_text().split("\n")
        words, matrix = SELECTORS[options.name](options.file, options.dim, wanted)
    else:
        words, matrix = READERS[options.name](options.file, options.dim)
    result = {"inside_seconds": time.perf_counter() - start, "rows": len(words)}
    if options.answers:
        result["right"] = int(count_right(words, matrix, json.loads(options.answers.read_text())))
    result["peak_bytes"] = measure_peak()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
