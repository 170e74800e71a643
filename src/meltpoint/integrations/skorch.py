"""skorch: a callback that trains the net's module under a policy."""

from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from torch.optim import Optimizer

from meltpoint.embedding import Policy


class EmbeddingPolicy(Callback):  # type: ignore[misc]
    """Makes the net's optimiser by the policy, of the class and with the options that the net was given.

        net = NeuralNetClassifier(MyModel(embedding), optimizer=torch.optim.AdamW, lr=1e-3,
                                  callbacks=[EmbeddingPolicy(mp.Scaled())])

    ``net.fit`` starts anew. To resume: ``net.initialize()``, :meth:`attach`, ``net.load_params(...)`` with the saved
    module and optimiser, then ``net.partial_fit``: what a policy remembers is in the optimiser.
    """

    def __init__(self, policy: Policy, *, seed: int = 0) -> None:
        """Takes the policy, and the master seed of what it draws."""
        self.policy = policy
        self.seed = seed

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:  # noqa: ARG002, N803
        """Puts the policy's optimiser in the place of the net's, once for each initialisation."""
        if net.optimizer_ is not getattr(self, "optimizer_", None):
            self.attach(net)

    def attach(self, net: NeuralNet) -> Optimizer:
        """Does so at once, for a net that is initialised."""
        _, options = net.get_params_for_optimizer("optimizer", net.module_.named_parameters())
        self.optimizer_ = self.policy.optimizer(
            net.module_, net.optimizer, **{"lr": net.lr, **options, "seed": self.seed}
        )
        net.optimizer_ = self.optimizer_
        return self.optimizer_
