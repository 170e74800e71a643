"""Static models: vectors of word pieces, which bring their own tokenizer.

The files of Model2Vec are those of one revision each, with the SHA-256 that Hugging Face shows for them: ``main`` has
moved since they were published, and its tokenizers with it.
"""

from meltpoint.vectors.catalogue.entry import CatalogueEntry, RemoteFile

_BGE_TOKENIZER = (683_666, "e67e803f624fb4d67dea1c730d06e1067e1b14d830e2c2202569e3ef0f70bb50")
_LARGER_TOKENIZER = (1_493_150, "7d75cbc54318138807c401b0f0c9721117c628b39de8e8e0edb6cb17e0ee7d18")


def _potion(
    model: str,
    revision: str,
    *,
    num_words: int,
    dim: int,
    weights_sha256: str,
    tokenizer: tuple[int, str],
    config_sha256: str | None = None,
    summary: str = "distilled from bge-base-en-v1.5",
    cased: bool = False,
) -> CatalogueEntry:
    address = f"https://huggingface.co/minishlab/{model}"
    tokenizer_bytes, tokenizer_sha256 = tokenizer

    def file(name: str, size_bytes: int, sha256: str | None, *, exact_size: bool) -> RemoteFile:
        return RemoteFile(
            name=name,
            urls=(f"{address}/resolve/{revision}/{name}",),
            size_bytes=size_bytes,
            exact_size=exact_size,
            checksum=f"sha256:{sha256}" if sha256 else None,
        )

    return CatalogueEntry(
        name=model.lower(),
        family="Model2Vec",
        summary=summary,
        num_words=num_words,
        dim=dim,
        cased=cased,
        tokenizer="tokenizer.json",
        licence="MIT",
        file_format="static model",
        homepage=address,
        folder=model,
        files=(
            # The weights are a matrix of float32 behind a header of some hundred bytes at most.
            file("model.safetensors", num_words * dim * 4, weights_sha256, exact_size=False),
            file("tokenizer.json", tokenizer_bytes, tokenizer_sha256, exact_size=True),
            file("config.json", 202, config_sha256, exact_size=False),
        ),
    )


STATIC_MODELS = (
    _potion(
        "potion-base-2M",
        "389b9f64be5aa4ae7a6bc6fe95ef20ce485ae5da",
        num_words=29_528,
        dim=64,
        weights_sha256="f95ffde02ad06f63ae38eb9d400038cd5ccaf8411ec3cb650c6025113f96cbb8",
        tokenizer=_BGE_TOKENIZER,
        config_sha256="b2a89173391ca774c2d7323090a993a9a1553faa5b40eb37bb7cec6685fbea47",
    ),
    _potion(
        "potion-base-4M",
        "9b3cff412d30be9ae8603fe10224c224f3401869",
        num_words=29_528,
        dim=128,
        weights_sha256="8a7140edd17ffab30ddcff1135eda127df57abfae856203dbd7b3d061295c31a",
        tokenizer=_BGE_TOKENIZER,
        config_sha256="90a28f209637bea10a440b69c1b41b72a24c4cb7d378030172f89c671c254c80",
    ),
    _potion(
        "potion-base-8M",
        "bf8b056651a2c21b8d2565580b8569da283cab23",
        num_words=29_528,
        dim=256,
        weights_sha256="f65d0f325faadc1e121c319e2faa41170d3fa07d8c89abd48ca5358d9a223de2",
        tokenizer=_BGE_TOKENIZER,
        config_sha256="2a6ac0e9aaa356a68a5688070db78fc3a464fefe85d2f06a1905ce3718687553",
    ),
    _potion(
        "potion-base-32M",
        "1e5a03f8eeb2c98b928fbbd846f22f816360919f",
        num_words=63_091,
        dim=512,
        weights_sha256="99f6c33204c9231a7391871b7a3c91409b532c8f587a9ea44fc282303d8dec28",
        tokenizer=_LARGER_TOKENIZER,
    ),
    _potion(
        "potion-retrieval-32M",
        "6fc8051fab2a1e0ee76689cf08c853792ac285e7",
        num_words=63_091,
        dim=512,
        weights_sha256="07609e5bd33aad37900b3fd62f4ec96f6daec88ca4d46b9d8b928bfababf6ea0",
        tokenizer=_LARGER_TOKENIZER,
        summary="potion-base-32M, tuned for retrieval",
    ),
    _potion(
        "potion-multilingual-128M",
        "a28f4eebecd4dc585034f605e52d414878a0417c",
        num_words=500_353,
        dim=256,
        weights_sha256="14b5eb39cb4ce5666da8ad1f3dc6be4346e9b2d601c073302fa0a31bf7943397",
        tokenizer=(18_616_131, "19f1909063da3cfe3bd83a782381f040dccea475f4816de11116444a73e1b6a1"),
        summary="distilled from bge-m3, 101 languages",
        cased=True,
    ),
    CatalogueEntry(
        name="wordllama-256d",
        family="WordLlama",
        summary="from the token embeddings of Llama 2 and other models",
        num_words=32_000,
        dim=256,
        cased=True,
        tokenizer="tokenizer.json",
        licence="MIT",
        file_format="static model",
        homepage="https://github.com/dleemiller/WordLlama",
        package="wordllama",
        distribution="wordllama",
        path="weights/l2_supercat_256.safetensors",
    ),
)
