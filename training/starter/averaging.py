"""The weights between two states of the starter: ``python -m training.starter.averaging MODEL OTHER SHARE``.

Two ends of one training, each reached by a rate that fell to zero, are often better in the middle
(Izmailov et al. 2018, arXiv 1803.05407; Wortsman et al. 2022, arXiv 2203.05482).
"""

import argparse
from pathlib import Path

from retrieval.files import publish_bytes

WEIGHTS = "model.safetensors"


def average(model: Path, other: Path, share: float) -> None:
    """Move the weights of ``model`` by ``share`` (0 to 1) of the way to those of ``other``.

    Raises:
        ValueError: the two do not have the same tensors.
    """
    from safetensors.torch import load_file, save

    ours, theirs = load_file(model / WEIGHTS), load_file(other / WEIGHTS)
    if (here := {name: one.shape for name, one in ours.items()}) != {name: one.shape for name, one in theirs.items()}:
        raise ValueError(f"found other tensors in {other} than the {len(here)} of {model}, expected the same")
    mixed = {name: one.float().lerp(theirs[name].float(), share).to(one.dtype) for name, one in ours.items()}
    publish_bytes(model / WEIGHTS, save(mixed, metadata={"format": "pt"}))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, help="directory; its weights are replaced")
    parser.add_argument("other", type=Path)
    parser.add_argument("share", type=float)
    arguments = parser.parse_args()
    average(arguments.model, arguments.other, arguments.share)


if __name__ == "__main__":
    main()
