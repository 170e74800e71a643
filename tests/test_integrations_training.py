"""Policies in Lightning, skorch and a Hugging Face Trainer: the rows move as the policy says, also after a resume."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import meltpoint as mp
from meltpoint.embedding import POLICIES, PretrainedEmbedding
from meltpoint.errors import InputError
from meltpoint.randomness import generator

pytestmark = pytest.mark.filterwarnings("ignore")  # of the frameworks, about their own ways
IDS = torch.from_numpy(generator(0, "ids").integers(1, 10, (16, 5)))
LABELS = torch.arange(16) % 2


class Net(nn.Module):
    """A linear model over the mean of the rows; row 10 never occurs."""

    def __init__(self):
        super().__init__()
        rows = torch.from_numpy(generator(0, "rows").standard_normal((11, 4), dtype=np.float32))
        self.embedding = PretrainedEmbedding(rows, torch.ones(11, dtype=torch.bool))
        self.output = nn.Linear(4, 2)
        with torch.no_grad():
            self.output.weight.copy_(torch.arange(8.0).view(2, 4) / 8)
            self.output.bias.zero_()

    def forward(self, ids):
        return self.output(self.embedding(ids).mean(dim=1))


def by_hand(policy, num_steps):
    """What plain torch makes of it: full batches, AdamW."""
    model = Net()
    optimizer = policy.optimizer(model, torch.optim.AdamW, lr=0.01, weight_decay=0.0)
    for _ in range(num_steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(IDS), LABELS).backward()
        optimizer.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(model, expected):
    for name, value in expected.items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-5, atol=1e-6)


CHOSEN = [mp.Frozen(), mp.FineTuned(), mp.Scaled(), mp.Anchored(strength=1.0), POLICIES["gradual"](thaw_step=4)]
policies = pytest.mark.parametrize("policy", CHOSEN, ids=lambda policy: policy.name)


@pytest.fixture(scope="module")
def pl():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("lightning.pytorch")


@pytest.fixture(scope="module")
def lightning_net(pl):
    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def training_step(self, batch, _):
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            raise AssertionError("the policy's optimiser stands in its place")

    return Module


def train_lightning(pl, module, policy, folder, num_steps, resume=None):
    from meltpoint.integrations.lightning import EmbeddingPolicy

    trainer = pl.Trainer(
        max_steps=num_steps,
        accelerator="cpu",
        default_root_dir=folder,
        callbacks=[EmbeddingPolicy(policy, torch.optim.AdamW, lr=0.01, weight_decay=0.0)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(IDS, LABELS), batch_size=16)
    trainer.fit(module, data, ckpt_path=resume)
    return trainer


@policies
def test_lightning_trains_and_resumes_as_plain_torch(policy, pl, lightning_net, tmp_path):
    module = lightning_net()
    trainer = train_lightning(pl, module, policy, tmp_path, 3)
    assert_same(module.net, by_hand(policy, 3))
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    again = lightning_net()
    train_lightning(pl, again, policy, tmp_path, 6, resume=tmp_path / "half.ckpt")
    assert_same(again.net, by_hand(policy, 6))


def test_lightning_resumes_under_no_other_policy(pl, lightning_net, tmp_path):
    train_lightning(pl, lightning_net(), mp.Scaled(), tmp_path, 1).save_checkpoint(tmp_path / "half.ckpt")
    other = dataclasses.replace(mp.Scaled(), learning_rate_multiplier=0.5)
    with pytest.raises(InputError, match=r"made under the policy 'scaled' .*0.1.*; the callback is 'scaled' .*0.5"):
        train_lightning(pl, lightning_net(), other, tmp_path, 2, resume=tmp_path / "half.ckpt")


@policies
def test_skorch_trains_and_resumes_as_plain_torch(policy, tmp_path):
    skorch = pytest.importorskip("skorch")
    from meltpoint.integrations.skorch import EmbeddingPolicy

    def net(epochs):
        settings = {"criterion": nn.CrossEntropyLoss, "optimizer": torch.optim.AdamW, "lr": 0.01, "batch_size": 16}
        settings |= {"optimizer__weight_decay": 0.0, "max_epochs": epochs, "train_split": None, "verbose": 0}
        return skorch.NeuralNetClassifier(Net, **settings, callbacks=[("policy", EmbeddingPolicy(policy))])

    first = net(3)
    first.fit(IDS, LABELS)
    assert_same(first.module_, by_hand(policy, 3))
    files = {"f_params": tmp_path / "net.pt", "f_optimizer": tmp_path / "optimizer.pt"}
    first.save_params(**files)
    second = net(3)
    second.initialize()
    dict(second.callbacks_)["policy"].attach(second)
    second.load_params(**files)
    second.partial_fit(IDS, LABELS)
    assert_same(second.module_, by_hand(policy, 6))


@policies
def test_a_hugging_face_trainer_trains_and_resumes_as_plain_torch(policy, tmp_path):
    transformers = pytest.importorskip("transformers")
    from meltpoint.integrations.transformers import trainer_optimizer

    class WithLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def forward(self, ids, labels):
            scores = self.net(ids)
            return {"loss": nn.functional.cross_entropy(scores, labels), "logits": scores}

    data = [{"ids": ids, "labels": label} for ids, label in zip(IDS, LABELS, strict=True)]

    def train(num_steps, resume=None):
        settings = {"learning_rate": 0.01, "weight_decay": 0.0, "lr_scheduler_type": "constant", "max_grad_norm": 0.0}
        quiet = {"save_steps": 3, "report_to": [], "disable_tqdm": True, "use_cpu": True}
        settings |= {"max_steps": num_steps, "per_device_train_batch_size": 16, **quiet}
        args = transformers.TrainingArguments(str(tmp_path), **settings)
        model = WithLoss()
        optimizers = trainer_optimizer(policy, model, args)
        trainer = transformers.Trainer(model, args, train_dataset=data, optimizers=optimizers)
        trainer.train(resume_from_checkpoint=resume)
        return model.net

    assert_same(train(3), by_hand(policy, 3))
    assert_same(train(6, resume=str(tmp_path / "checkpoint-3")), by_hand(policy, 6))
