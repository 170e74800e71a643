"""The row-wise optimiser for training loops that know nothing of rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from meltpoint.embedding.rowwise.checks import Mode
from meltpoint.embedding.rowwise.rules import AdagradRule, AdamRule, RowRule, SgdRule
from meltpoint.embedding.rowwise.updater import RowUpdater
from meltpoint.embedding.table import PretrainedEmbedding
from meltpoint.errors import InputError


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A rule as users name it: its class, and whether ``weight_decay`` joins the gradient under that name in torch."""

    rule: type[RowRule]
    couples_decay: bool


RULES = {
    "adam": _Named(rule=AdamRule, couples_decay=True),
    "adamw": _Named(rule=AdamRule, couples_decay=False),
    "sgd": _Named(rule=SgdRule, couples_decay=True),
    "sgdw": _Named(rule=SgdRule, couples_decay=False),
    "adagrad": _Named(rule=AdagradRule, couples_decay=True),
}


class RowwiseOptimizer(Optimizer):
    """Steps embeddings by the rows that each batch touches; the rest of the model has an optimiser of its own.

    ::

        rows = RowwiseOptimizer(model, rule="adamw", lr=1e-3)
        rest = torch.optim.AdamW([p for p in model.parameters() if p is not model.embedding.weight])
        for ids, labels in batches:
            rows.zero_grad()
            rest.zero_grad()
            functional.cross_entropy(model(ids), labels).backward()
            rows.step()
            rest.step()
        rows.release()

    The embeddings get sparse gradients, and a hook that brings the rows of a batch up to date before they are read, in
    training and in evaluation. The whole table is brought up to date before ``state_dict`` of model or optimiser and
    before weights are loaded; call :meth:`flush` before you use ``embedding.weight`` in another way, or copy the model.
    Learning-rate schedulers and ``torch.amp`` work as with any optimiser; for clipping see :func:`clip_grad_norm_`.

    Build it when the model is on its device. A step counts for a table if it has a gradient, as in torch.
    """

    def __init__(
        self,
        embeddings: nn.Module | Iterable[nn.Embedding] | Iterable[Mapping[str, Any]],
        *,
        rule: str = "adamw",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        anchor_strength: float = 0.0,
        mode: Mode = "exact",
        **settings: Any,
    ) -> None:
        """Takes over the gradients of the embeddings.

        Args:
            embeddings: A model, of which all trainable ``nn.Embedding`` are taken; or embeddings; or parameter groups,
                ``{"embeddings": ..., "lr": ..., "weight_decay": ..., "anchor_strength": ...}``. Embeddings that share
                a weight are stepped once.
            rule: ``adam``, ``adamw``, ``sgd``, ``sgdw`` or ``adagrad``.
            lr: Learning rate.
            weight_decay: Decoupled decay toward zero. Only ``adamw``, ``sgdw`` and ``sgd`` without momentum take it:
                decay that joins the gradient has no closed form for absent rows.
            anchor_strength: Decoupled decay toward the pretrained rows of a ``PretrainedEmbedding``, or toward the
                rows as they are now of any other.
            mode: ``exact`` or ``lazy``.
            **settings: Those of the rule: ``betas`` and ``eps``; ``momentum`` and ``nesterov``; ``eps``.

        Raises:
            InputError: A name or value cannot be, or an embedding cannot be stepped by rows.
        """
        if rule not in RULES:
            raise InputError(f"No row-wise rule is called {rule!r}. There are: {', '.join(RULES)}.")
        known = [field.name for field in fields(RULES[rule].rule)]
        wrong = sorted(set(settings) - set(known))
        if wrong:
            raise InputError(f"Rule {rule!r} has no setting {', '.join(wrong)}. Its settings: {', '.join(known)}.")
        self._rule_name = rule
        self._rule = RULES[rule].rule(**settings)
        self._mode = mode
        self._updaters: dict[Tensor, RowUpdater] = {}
        self._undo: list[Callable[[], None]] = []
        defaults = {"lr": lr, "weight_decay": weight_decay, "anchor_strength": anchor_strength}
        super().__init__(_groups(embeddings), defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group ``{"embeddings": ..., "lr": ..., ...}``.

        Raises:
            InputError: As the constructor.
        """
        group = dict(param_group)
        given = group.pop("embeddings", None)
        if not given:
            raise InputError(
                "A parameter group of RowwiseOptimizer needs the key 'embeddings' with at least one nn.Embedding "
                "(a model must hold one whose weight requires a gradient)."
            )
        sharing: dict[Tensor, list[nn.Embedding]] = {}
        for embedding in given:
            _check_embedding(embedding)
            sharing.setdefault(embedding.weight, []).append(embedding)
        options = {**self.defaults, **group}
        self._check_decay(options["weight_decay"])
        updaters = {weight: self._new_updater(readers[0], options) for weight, readers in sharing.items()}
        super().add_param_group({**group, "params": list(sharing)})
        self._updaters.update(updaters)
        for weight, readers in sharing.items():
            for embedding in readers:
                self._take_over(embedding, updaters[weight])

    def updater(self, embedding: nn.Embedding) -> RowUpdater:
        """Returns the updater of an embedding's weight, for :class:`TouchedRows` for example."""
        return self._updaters[embedding.weight]

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Steps the rows that have a gradient.

        Raises:
            InputError: A weight has a dense gradient: it is also used outside its embeddings.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                if not weight.grad.is_sparse:
                    raise InputError(
                        "An embedding's weight has a dense gradient, with a value for every row: it is also used "
                        "outside nn.Embedding (as a tied output layer, for example), or the embedding's sparse flag "
                        "was taken back. Row-wise steps gain nothing there; use a dense optimiser of torch.optim."
                    )
                gradient = weight.grad.coalesce()
                self._updaters[weight].step(gradient.indices()[0], gradient.values(), lr=float(group["lr"]))
        return loss

    def flush(self) -> None:
        """Brings every row of every table up to date."""
        for updater in self._updaters.values():
            updater.flush()

    def release(self) -> None:
        """Brings every row up to date and gives the embeddings back as they came: no hooks, no sparse gradients."""
        self.flush()
        for undo in self._undo:
            undo()
        self._undo.clear()

    def state_dict(self) -> dict[str, Any]:
        """Brings every row up to date; returns the groups, and under ``rows`` the state of each table."""
        rows = [updater.state_dict() for updater in self._updaters.values()]
        return {**super().state_dict(), "rows": rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from a state; load the model's weights first.

        Raises:
            InputError: The state is of other embeddings.
        """
        rows = state_dict.get("rows")
        if rows is None or len(rows) != len(self._updaters):
            found = "none" if rows is None else len(rows)
            raise InputError(f"The state must hold the rows of {len(self._updaters)} tables, found {found}.")
        super().load_state_dict({"state": {}, "param_groups": state_dict["param_groups"]})
        for updater, state in zip(self._updaters.values(), rows, strict=True):
            updater.load_state_dict(state)

    def _check_decay(self, weight_decay: float) -> None:
        plain = isinstance(self._rule, SgdRule) and not self._rule.momentum
        if weight_decay and RULES[self._rule_name].couples_decay and not plain:
            other = {"adam": "rule='adamw'", "sgd": "rule='sgdw'"}.get(self._rule_name, "weight_decay=0")
            raise InputError(
                f"Rule {self._rule_name!r} adds weight_decay to the gradient, which has no closed form for rows that "
                f"are absent from a batch. Use {other}, or the dense optimiser of torch.optim on a table that holds "
                "the words of the task alone."
            )

    def _new_updater(self, embedding: nn.Embedding, options: Mapping[str, Any]) -> RowUpdater:
        anchor = anchored_rows = None
        if options["anchor_strength"]:
            if isinstance(embedding, PretrainedEmbedding):
                anchor, anchored_rows = embedding.pretrained, embedding.is_pretrained
            else:
                anchor = embedding.weight.detach().clone()
        return RowUpdater(
            embedding.weight,
            self._rule,
            lr=float(options["lr"]),
            weight_decay=options["weight_decay"],
            anchor=anchor,
            anchor_strength=options["anchor_strength"],
            anchored_rows=anchored_rows,
            padding_idx=embedding.padding_idx,
            mode=self._mode,
        )

    def _take_over(self, embedding: nn.Embedding, updater: RowUpdater) -> None:
        table = embedding.weight

        # A copy of the model inherits the hooks, but not the table.
        def before_reading(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if module.weight is table:
                ids = args[0] if args else kwargs["input"]
                updater.catch_up(ids.detach().reshape(-1).to(torch.int64))

        def before_all(module: nn.Module, *_: object) -> None:
            if module.weight is table:
                updater.flush()

        handles: list[RemovableHandle] = [
            embedding.register_forward_pre_hook(before_reading, with_kwargs=True),
            embedding.register_state_dict_pre_hook(before_all),  # type: ignore[no-untyped-call]
            embedding.register_load_state_dict_pre_hook(before_all),  # type: ignore[no-untyped-call]
        ]
        was_sparse = embedding.sparse
        embedding.sparse = True

        def undo() -> None:
            embedding.sparse = was_sparse
            for handle in handles:
                handle.remove()

        self._undo.append(undo)


def _groups(
    embeddings: nn.Module | Iterable[nn.Embedding] | Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    if isinstance(embeddings, nn.Module):
        found = [module for module in embeddings.modules() if isinstance(module, nn.Embedding)]
        return [{"embeddings": [module for module in found if module.weight.requires_grad]}]
    given = list(embeddings)
    if given and all(isinstance(each, Mapping) for each in given):
        return [dict(each) for each in given if isinstance(each, Mapping)]
    return [{"embeddings": given}]


def _check_embedding(embedding: object) -> None:
    if not isinstance(embedding, nn.Embedding):
        raise InputError(f"RowwiseOptimizer steps nn.Embedding modules, found {type(embedding).__name__}.")
    if embedding.max_norm is not None or embedding.scale_grad_by_freq:
        raise InputError(
            "An embedding with max_norm or scale_grad_by_freq cannot be stepped by rows: the first rewrites rows as "
            "they are read, the second has no sparse gradient. Set max_norm=None and scale_grad_by_freq=False."
        )
