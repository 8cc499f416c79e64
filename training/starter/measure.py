"""How good the starter is: exact match, abstention and citations on names and wordings never trained on."""

import re
from random import Random
from typing import Any

from retrieval.prompt import Prompt, cited_marks, encode, is_abstention, strip_marks
from training.starter.world import Episode, World


def generate(model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int, batch: int = 25) -> list[str]:
    """Greedy answers to prompts, in left-padded batches of similar lengths."""
    import torch

    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers = [""] * len(prompts)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        longest = max(len(prompts[i]) for i in chosen)
        ids = torch.full((len(chosen), longest), tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for line, i in enumerate(chosen):
            ids[line, longest - len(prompts[i]) :] = torch.tensor(prompts[i])
            mask[line, longest - len(prompts[i]) :] = 1
        ids, mask = ids.to(model.device), mask.to(model.device)
        with torch.inference_mode(), torch.autocast(model.device.type, dtype=torch.bfloat16):
            out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False)
        for line, i in enumerate(chosen):
            answers[i] = tokenizer.decode(out[line, longest:], skip_special_tokens=True)
    return answers


def outcomes(episodes: list[Episode], answers: list[str], prompt: Prompt) -> dict[str, float]:
    """Exact match and citation accuracy over answerable questions; F1 of the abstentions over all, if some must be."""
    answerable = exact = cited = answered = right = said = absent = 0
    for episode, answer in zip(episodes, answers, strict=True):
        abstained = is_abstention(answer, prompt)
        said += abstained
        if episode.value is None:
            absent += 1
            right += abstained
            continue
        answerable += 1
        exact += strip_marks(answer) == episode.value
        if not abstained:
            answered += 1
            cited += cited_marks(answer, 4)[:1] == [int(m) for m in re.findall(r"\[(\d)\]$", episode.completion)]
    figures = {
        "exact_match": round(exact / max(answerable, 1), 4),
        "citation_accuracy": round(cited / max(answered, 1), 4),
    }
    if absent:
        precision, recall = right / max(said, 1), right / absent
        figures["abstention_f1"] = round(2 * precision * recall / max(precision + recall, 1e-9), 4)
    return figures


def repetition_loss(model: Any, vocabulary: int, *, seed: int, length: int = 24, rows: int = 16) -> float:
    """Mean loss on the second half of repeated random sequences: near zero once copying has formed, else ln V."""
    import torch

    random = Random(f"repetition:{seed}")
    half = torch.tensor([[random.randrange(3, vocabulary) for _ in range(length)] for _ in range(rows)])
    ids = torch.cat([half, half], dim=1).to(model.device)  # (rows, 2 * length)
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits[:, length:-1].float()  # (rows, length - 1, V)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, length + 1 :].flatten())
    return float(loss)


def measure(model: Any, tokenizer: Any, *, seed: int, questions: int) -> dict[str, Any]:
    """Figures on generated worlds with unseen entities and wordings, by level."""
    prompt = Prompt()
    figures: dict[str, Any] = {"repetition_loss": round(repetition_loss(model, len(tokenizer), seed=seed), 3)}
    for level in (1, 4):
        world = World(Random(f"evaluation:{seed}:{level}"), prompt, evaluation=True)
        episodes = [world.episode(level) for _ in range(questions)]
        prompts = [encode(tokenizer, episode.messages(prompt)) for episode in episodes]
        answers = generate(model, tokenizer, prompts, 32)
        figures[f"level_{level}"] = outcomes(episodes, answers, prompt)
        if level == 4:
            figures["sample"] = [[e.question, e.completion, a] for e, a in zip(episodes[:4], answers[:4], strict=True)]
    return figures
