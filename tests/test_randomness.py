"""Named generators: the same name the same bits, and nobody shifts anybody else's."""

import pytest
import torch

from meltpoint.randomness import TorchStream, generator, seed_for, torch_generator, torch_seeded


def draw(stream, count):
    with stream.resumed():
        return torch.rand(count)


def test_a_name_decides_the_bits():
    assert seed_for(0, "folds", 3) == seed_for(0, "folds", 3)
    names = [(0, "folds", 3), (1, "folds", 3), (0, "folds", 4), (0, "folds"), (0, "folds", "3")]
    assert len({seed_for(*name) for name in names}) == len(names)
    assert all(0 <= seed_for(*name) < 2**63 for name in names)
    assert generator(0, "a").random() == generator(0, "a").random() != generator(0, "b").random()


def test_the_seed_of_a_name_stays_what_it_was():
    # Results that were published are drawn again by it.
    assert seed_for(0, "folds", 3) == 1076379336828746362


def test_torch_draws_alike_by_generator_block_and_stream():
    by_generator = torch.rand(5, generator=torch_generator(0, "dropout", 1))
    with torch_seeded(0, "dropout", 1):
        assert torch.equal(torch.rand(5), by_generator)
    assert torch.equal(draw(TorchStream(0, "dropout", 1), 5), by_generator)


def test_a_stream_goes_on_where_it_was_left():
    whole, parts = TorchStream(0, "dropout"), TorchStream(0, "dropout")
    expected = draw(whole, 9)
    assert torch.equal(torch.cat([draw(parts, 2), draw(parts, 3), draw(parts, 4)]), expected)


def test_streams_are_independent():
    alone = draw(TorchStream(0, "first"), 6)
    first, second = TorchStream(0, "first"), TorchStream(0, "second")
    turns = []
    for _ in range(6):
        turns.append(draw(first, 1))
        draw(second, 3)
        torch.rand(2)
    assert torch.equal(torch.cat(turns), alone)
    assert not torch.equal(draw(TorchStream(0, "second"), 6), alone)


@pytest.mark.parametrize(
    "block", [lambda: torch_seeded(0, "block"), lambda: TorchStream(0, "block").resumed()], ids=["seeded", "stream"]
)
def test_the_global_generator_is_as_it_was(block):
    before = torch.get_rng_state()
    with block():
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyError), block():
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
