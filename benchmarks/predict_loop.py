"""The textbook's way to answer lines, as a tutorial ends: python predict_loop.py MODEL LINES.jsonl treebank|blanks.

Parse a line, cut it, look the words up in a dictionary, ask the network for one text, softmax, ``json.dumps``. The
network holds the weights of a model folder in plain ``nn.Module``s; words that training never saw are unknown.
"""

import json
import sys
from pathlib import Path

import torch

from meltpoint.handover import load_model
from textbook import TextbookAverage


def main(folder: str, source: str, cutting: str) -> None:
    """Answers each line of a file on standard output."""
    trained = load_model(folder)
    weights, classes = trained.model.state_dict(), trained.config.classes
    network = TextbookAverage(torch.nn.Embedding.from_pretrained(weights["embedding.weight"]), len(classes))
    for layer, name in ((network.head[0], "hidden.layers.0"), (network.head[3], "output")):
        layer.load_state_dict({"weight": weights[f"{name}.weight"].T, "bias": weights[f"{name}.bias"]})
    network.eval()
    index = {word: number for number, word in enumerate(trained.vocabulary.words)}
    tokenize = trained.vocabulary.tokenizer if cutting == "treebank" else lambda text: text.lower().split()

    with Path(source).open(encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["text"]
            ids = torch.tensor([index.get(word, 1) for word in tokenize(text)] or [1])
            with torch.no_grad():
                probabilities = network(ids[None]).softmax(dim=1)[0]
            found = {
                "text": text,
                "label": classes[int(probabilities.argmax())],
                "probabilities": dict(zip(classes, probabilities.tolist(), strict=True)),
            }
            print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
