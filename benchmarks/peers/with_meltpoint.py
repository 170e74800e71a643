"""The same with meltpoint: python with_meltpoint.py TRAIN.csv TEST.csv GLOVE.txt SEED [POLICY]."""

import sys

import polars as pl

import meltpoint as mp


def main(train_path, test_path, vectors, seed, policy="fine-tuned"):
    train, test = pl.read_csv(train_path), pl.read_csv(test_path)
    classifier = mp.EmbeddingClassifier(vectors=vectors, policy=policy, random_state=seed)
    classifier.fit(train["text"].to_list(), train["label"].to_list())
    print(*classifier.predict(test["text"].to_list()), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), *sys.argv[5:])
