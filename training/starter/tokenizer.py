"""The starter's tokenizer: the part of a larger one's vocabulary that our texts use most.

Whatever is cut apart is cut as the larger model learned it, only finer, so its embeddings stay
valid. Two choices help a small model to copy: digits stand alone, so that a number always splits
in the same way; and a text begins with a space that decoding takes off again, so that a word at
the start of an answer is the same token as inside a passage. The chat template marks what the
assistant says.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VOCABULARY = 8192
END_OF_TEXT, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}"
    "{{ '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def cut_tokenizer(
    source: Any, texts: Sequence[str], output: Path, *, vocabulary: int = VOCABULARY, context: int = 2048
) -> None:
    """Keep the tokens of a byte-level BPE that texts use most, and save in transformers' form.

    A token counts wherever it takes part in building another one, so the parts of every token that
    is kept are kept, too, and what remains is again a BPE.

    Args:
        source: a fast tokenizer of transformers, with ``<|endoftext|>``, ``<|im_start|>`` and ``<|im_end|>``.
        output: an existing directory.
        context: the longest prompt that the model takes, kept as ``model_max_length``.
    """
    from tokenizers import Tokenizer, models
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import PreTrainedTokenizerFast

    known = json.loads(source.backend_tokenizer.to_str())["model"]
    merges = [tuple(merge) for merge in known["merges"]]
    whole = _with_our_rules(Tokenizer(models.BPE(vocab=known["vocab"], merges=merges)))
    counts: Counter[str] = Counter()
    for encoding in whole.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.tokens)
    for left, right in reversed(merges):  # a token is built after its parts: counts are handed down
        for part in (left, right):
            counts[part] += counts[left + right]
    letters = sorted(ByteLevel.alphabet())
    specials = [END_OF_TEXT, TURN, END_OF_TURN]
    room = vocabulary - len(letters) - len(specials)
    most = set(sorted(merges, key=lambda merge: -counts["".join(merge)])[:room])
    kept = [merge for merge in merges if merge in most]
    names = [*specials, *letters, *("".join(merge) for merge in kept)]
    cut = Tokenizer(models.BPE(vocab={name: number for number, name in enumerate(names)}, merges=kept))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=_with_our_rules(cut),
        pad_token=END_OF_TEXT,
        eos_token=END_OF_TURN,
        additional_special_tokens=[TURN],
        clean_up_tokenization_spaces=False,
        model_max_length=context,
        padding_side="left",
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(output)


def _with_our_rules(tokenizer: Any) -> Any:
    """How texts are taken apart before BPE and put together again."""
    from tokenizers import decoders, normalizers, pre_tokenizers

    tokenizer.normalizer = normalizers.Prepend(" ")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    return tokenizer
