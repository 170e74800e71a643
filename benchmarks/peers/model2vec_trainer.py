"""GloVe tuned by Model2Vec's trainer: python model2vec_trainer.py TRAIN.csv TEST.csv GLOVE.txt SEED."""

import csv
import sys

import numpy as np
from model2vec import StaticModel
from model2vec.train import StaticModelForClassification
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers


def read_csv(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main(train_path, test_path, glove_path, seed):
    texts, labels = read_csv(train_path)
    test_texts, _ = read_csv(test_path)
    # Its Adam steps every row of the table at every step; of 400,000, only these can matter.
    occurring = {word for text in texts + test_texts for word in text.lower().split()}
    words, vectors = ["[PAD]", "[UNK]"], [np.zeros(50), np.zeros(50)]
    with open(glove_path, encoding="utf-8") as file:
        for line in file:
            word, _, numbers = line.rstrip().partition(" ")
            if word in occurring:
                words.append(word)
                vectors.append(np.array(numbers.split(" "), dtype=np.float32))
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    model = StaticModel(np.array(vectors, dtype=np.float32), tokenizer)
    classifier = StaticModelForClassification.from_static_model(model=model)
    classifier.fit(texts, labels, random_seed=seed)
    print(*classifier.predict(test_texts), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
