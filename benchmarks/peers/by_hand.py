"""Fine-tuned GloVe in PyTorch, as tutorials write it: python by_hand.py TRAIN.csv TEST.csv GLOVE.txt SEED."""

import csv
import random
import sys
from collections import Counter

import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader


def read_csv(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"].lower().split() for row in rows], [row["label"] for row in rows]


class Classifier(nn.Module):
    def __init__(self, weights, num_classes):
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(weights, freeze=False, padding_idx=0)
        self.hidden = nn.Linear(weights.shape[1], 100)
        self.output = nn.Linear(100, num_classes)
        self.dropout = nn.Dropout(0.2)

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1)
        mean = (self.embedding(ids) * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.output(self.dropout(torch.relu(self.hidden(mean))))


def main(train_path, test_path, glove_path, seed):
    random.seed(seed)
    torch.manual_seed(seed)
    texts, labels = read_csv(train_path)
    test_texts, _ = read_csv(test_path)
    classes = sorted(set(labels))
    texts, held_texts, labels, held_labels = train_test_split(
        texts, labels, test_size=0.1, random_state=seed, stratify=labels
    )
    words = ["<pad>", "<unk>", *Counter(word for text in texts for word in text)]
    index = {word: number for number, word in enumerate(words)}
    weights = torch.randn(len(words), 50) * 0.1
    weights[0] = 0
    with open(glove_path, encoding="utf-8") as file:
        for line in file:
            word, *numbers = line.rstrip().split(" ")
            if word in index:
                weights[index[word]] = torch.tensor([float(number) for number in numbers])

    def encode(some):
        return [torch.tensor([index.get(word, 1) for word in text] or [1]) for text in some]

    def collate(batch):
        ids, targets = zip(*batch, strict=True)
        return pad_sequence(ids, batch_first=True), torch.tensor(targets)

    def predict(some):
        model.eval()
        with torch.no_grad():
            return torch.cat([model(pad_sequence([ids], batch_first=True)).argmax(1) for ids in encode(some)])

    numbers = [classes.index(label) for label in labels]
    held = torch.tensor([classes.index(label) for label in held_labels])
    loader = DataLoader(list(zip(encode(texts), numbers, strict=True)), 64, shuffle=True, collate_fn=collate)
    model = Classifier(weights, len(classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    best, best_state, waited = 0.0, model.state_dict(), 0
    for _epoch in range(40):
        model.train()
        for ids, targets in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(ids), targets).backward()
            optimizer.step()
        accuracy = (predict(held_texts) == held).float().mean().item()
        if accuracy > best:
            best, waited = accuracy, 0
            best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        else:
            waited += 1
            if waited == 3:
                break
    model.load_state_dict(best_state)
    print(*[classes[number] for number in predict(test_texts).tolist()], sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
