"""fastText's classifier over pretrained vectors: python fasttext_supervised.py TRAIN.csv TEST.csv GLOVE.txt SEED."""

import csv
import os
import sys
import tempfile

import fasttext


def read_csv(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [" ".join(row["text"].lower().split()) for row in rows], [row["label"] for row in rows]


def main(train_path, test_path, glove_path, seed):
    with tempfile.TemporaryDirectory() as folder:
        vectors, train = os.path.join(folder, "glove.vec"), os.path.join(folder, "train.txt")
        with open(glove_path, encoding="utf-8") as file, open(vectors, "w", encoding="utf-8") as out:
            lines = file.readlines()
            out.write(f"{len(lines)} 50\n")
            out.writelines(lines)
        with open(train, "w", encoding="utf-8") as out:
            out.writelines(f"__label__{label} {text}\n" for text, label in zip(*read_csv(train_path), strict=True))
        # Several threads would train by races: another result each time.
        model = fasttext.train_supervised(
            train, dim=50, pretrainedVectors=vectors, epoch=25, thread=1, seed=seed, verbose=0
        )
    predicted, _ = model.predict(read_csv(test_path)[0])
    print(*[labels[0].removeprefix("__label__") for labels in predicted], sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
