"""The weights of a plain ``nn.Embedding``, as safetensors, and the words of its rows."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from meltpoint.handover.export.base import Handed

WEIGHTS, WORDS = "embedding.safetensors", "words.json"


class TorchWeights:
    """A folder: ``embedding.safetensors`` with the tensor ``weight`` (V, D), and ``words.json``, a list of V words.

    Row 0 is the pad row, row 1 that of any unknown word.
    """

    name = "safetensors"
    summary = "weights of a plain nn.Embedding, and the list of its words"
    suffixes = ()
    requires: Mapping[str, str] = MappingProxyType({})

    def write(self, handed: Handed, place: Path) -> None:
        """Writes both files."""
        from safetensors.numpy import save_file  # noqa: PLC0415 - where it is needed

        save_file({"weight": handed.rows}, place / WEIGHTS, metadata={"format": "pt"})
        (place / WORDS).write_text(json.dumps(list(handed.words), ensure_ascii=False), encoding="utf-8")

    def loading(self, place: str) -> str:
        """Returns the lines that load the weights."""
        return (
            "import json\n\nfrom safetensors.torch import load_file\nfrom torch import nn\n\n"
            f'folder = "{place}"\n'
            f'words = json.load(open(f"{{folder}}/{WORDS}", encoding="utf-8"))\n'
            f'weight = load_file(f"{{folder}}/{WEIGHTS}")["weight"]\n'
            "embedding = nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=0)"
        )
