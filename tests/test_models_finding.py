"""Architectures by the way they are written, one's own among them."""

import pytest
import torch
from torch import nn

from meltpoint.errors import InputError
from meltpoint.models import ARCHITECTURES, DEFAULT_LEARNING_RATES, build_model, depth_of, find_architecture

OWN = """
from torch import nn

class Bag(nn.Module):
    def __init__(self, embedding, num_outputs):
        super().__init__()
        self.embedding = embedding
        self.output = nn.Linear(embedding.embedding_dim, num_outputs)

    def forward(self, ids):
        return self.output(self.embedding(ids).amax(dim=1))

def not_a_module(embedding, num_outputs):
    return "scores"

number = 3
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    package = folder / "own_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "bags.py").write_text(OWN)
    (package / "broken.py").write_text("import a_package_that_is_not_there\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield "own_package.bags"


def embedding():
    return nn.Embedding(10, 4, padding_idx=0)


@pytest.mark.parametrize("written", ["average", "average:", "average:0", "average:16", "cnn", "lstm:2", "transformer"])
def test_built_in_ones_are_found(written):
    builder, rates = find_architecture(written)
    assert rates == ARCHITECTURES[written.partition(":")[0]].learning_rates
    assert builder(embedding(), 3)(torch.tensor([[1, 2]])).shape == (1, 3)


def test_ones_own_is_imported(own):
    builder, rates = find_architecture(f"{own}:Bag")
    assert rates == DEFAULT_LEARNING_RATES
    assert builder(embedding(), 3)(torch.tensor([[1, 2]])).shape == (1, 3)
    assert type(build_model(f"{own}:Bag", embedding(), 3)).__name__ == "Bag"


def test_ones_own_must_return_a_module(own):
    with pytest.raises(InputError, match=r"bags:not_a_module' must return an nn.Module, it returned str"):
        build_model(f"{own}:not_a_module", embedding(), 3)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("own_package.bags:Bagg", "module own_package.bags has no callable 'Bagg'"),
        ("own_package.bags:number", r"no callable 'number'. It must be a callable \(embedding, num_outputs\)"),
        ("own_package.sacks:Bag", "'own_package.sacks'. It must be importable .* PYTHONPATH"),
        ("own_package.broken:Bag", "broken:Bag: No module named 'a_package_that_is_not_there'"),
        ("avrage", "called 'avrage'. Did you mean 'average'\\? There are: average, cnn, lstm, transformer; your"),
        ("avrage:2", "called 'avrage:2'. Did you mean 'average'"),
        ("zzz", "called 'zzz'. There are"),
        ("", "called ''. There are"),
        (":Bag", "called ':Bag'. There are"),
        (".bags:Bag", "called '.bags:Bag'. There are"),
        ("average:17", "depth of 'average' is a number from 0 to 16, as in average:2; found '17'"),
        ("lstm:0", "depth of 'lstm' is a number from 1 to 16, as in lstm:2; found '0'"),
        ("average:-1", "found '-1'"),
        ("average:two", "found 'two'"),
        ("average:²", "found '²'"),
        ("cnn:2", "'cnn' has no depth; write it without ':2'"),
    ],
)  # fmt: skip
def test_what_cannot_be_found(own, written, text):
    with pytest.raises(InputError, match=text):
        find_architecture(written)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("average", ("average", 1)),
        ("average:0", ("average", 0)),
        ("lstm:3", ("lstm", 3)),
        ("transformer", ("transformer", 1)),
        ("cnn", ("cnn", 1)),
        ("own_package.bags:Bag", None),
    ],
)
def test_family_and_depth(written, found):
    assert depth_of(written) == found
