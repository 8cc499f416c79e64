"""Measure the shipped starter and write its card: ``python -m training.starter.card --squad DIR``.

Every figure of the card comes from here. Generated worlds are measured with names and wordings
that training never saw, SQuAD on its validation split, and for comparison on what was trained on.
"""

import argparse
import json
import time
from pathlib import Path
from random import Random
from textwrap import fill

from retrieval.documents import Passage
from retrieval.files import publish_bytes
from retrieval.prompt import Prompt, cited_marks, is_abstention, render, strip_marks
from training.answer_metrics import score_answer
from training.generation import Generator, load_generator
from training.starter.build import HISTORY, LONGEST
from training.starter.measure import outcomes, repetition_loss
from training.starter.paths import starter_path
from training.starter.questions import rows
from training.starter.world import Episode, World, passage

WRITTEN = {
    "written by hand, 4 passages": "written.jsonl",
    "written by hand later, 4 passages": "written_later.jsonl",
}
"""Files of passages, a question, its answer and the number of the passage that gives it; null where none does."""
COURSE = """It took nine and a half hours on two cores, with breaks in which the builder changed. What it did in another
way before:

| Up to million tokens | |
| --- | --- |
| 0.4 | one process, larger batches |
| 3.2 | not told which sentences answer |
| 13.9 | a third of the wordings |
| 20 | refusals at full weight; no sentences run together, contrasts, grids and similar attributes |
| 23.7 | few long passages |
| 28.2 | no questions of people but SQuAD's; no rows of more than 1,024 tokens |
| 34 | some answers shown where their words stood by chance |
| 35.6 | no questions of SQuAD's own train set |
| 36.6 | no exchanged answers |
| 42.6 | no QED, and a third of those questions of SQuAD's own train set |
| 48.4 | no COVID-QA |

The learning rate fell to zero towards 7.2, 18.6, 28.2, 35.6, 42.6, 48.4 and 53.6 million and was raised again in
between, last to 0.0008. What ships is the last of these states, moved by `averaging.py` by a half towards what shipped
before, which came about in the same way, by 0.35."""
"""How the model that ships was trained, where that is not what the builder does now."""
CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---
# Lockstep starter

A causal language model of {parameters:.1f} million parameters (Llama configuration, {layers} layers of width {width},
vocabulary {vocabulary}, context {context}, bf16) that Lockstep trains and ships, so that it runs where no model hub can
be reached. Given a question and passages in Lockstep's prompt, it answers with words of a passage and its mark, or with
the abstention sentence. It is there to make the whole path run and to be fine-tuned; for real use, point Lockstep to a
real model.

## Training

It is cut out of [SmolLM2-135M-Instruct](https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct) (Hugging Face,
Apache-2.0): a sixth of its tokens, a fifth of its attention heads, a fourteenth of its neurons (`tokenizer.py`,
`pruning.py`). What is left says nothing sensible; it learned the task in {tokens} tokens, seed {seed}, by
`training/starter/build.py`: AdamW, contexts of one fact first, then more passages, paraphrase and prose, often as
conversations with some questions on the same passages. Besides the next token, some heads are told where the words of
each answer stand (`pointing.py`). Names and numbers that answer a question of people's are often exchanged for others
of their kind, in the passages too, so that reading answers it and memory does not (`counterfacts.py`).

What SmolLM2 was trained on is not ours to say: public text of the web, Wikipedia probably among it, and so, perhaps,
paragraphs that SQuAD asks about. What it was trained on here:

- Generated worlds (`world.py`): facts on things that do not exist.
- The **train split** of SQuAD as it lies in Lockstep's evaluation data: paragraphs (Wikipedia, by its contributors) and
  questions (SQuAD 1.1 and 2.0, Rajpurkar et al. 2016, 2018), both under
  [CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/). Paragraphs and questions of the validation and test
  splits were not used, nor was anything of Lockstep's demo.
- More questions of people, without any paragraph that shares eight words in a row with a
  held-out paragraph of SQuAD: two parts of SQuAD 1.1's own train set, which is on other articles than those data
  (CC BY-SA 4.0; 6,626 questions on 1,466 paragraphs out of a tokenized copy, and 11,358 on 2,382 out of the lower-cased
  sentences of [Du et al. 2017](https://github.com/xinyadu/nqg), their capitals guessed; 473 are in both), the New
  Wikipedia set of [SQuADShifts](https://github.com/modestyachts/squadshifts-website) (Miller et al. 2020,
  [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/); Wikipedia, CC BY-SA), the train split of
  [FairytaleQA](https://github.com/uci-soe/FairytaleQAData) (Xu et al. 2022, Apache-2.0; stories of Project Gutenberg),
  the sentences of [QAMR](https://github.com/uwnlp/qamr)'s dev and test sets (Michael et al. 2018, MIT; Wikipedia,
  CC BY-SA, and Wikinews, CC BY 2.5), 1,065 questions that people typed into a search engine, of the dev set of
  [QED](https://github.com/google-research-datasets/QED) (Lamm et al. 2020; out of Natural Questions, Kwiatkowski et al.
  2019; Wikipedia, [CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/)), and 761 short answers of an early
  file of [COVID-QA](https://github.com/deepset-ai/COVID-QA) (Möller et al. 2020, Apache-2.0; papers of CORD-19 cut into
  paragraphs). SQuAD's and SQuADShifts' ask as the evaluation data do: that SQuAD is read better owes much to them.
- Paragraphs and tables of the documentation of Dapr (Dapr authors,
  [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)).
- Documentation strings and reference topics of the Python standard library (PSF licence version 2).

The weights and the code are under the Apache License 2.0; the attributions above stay with them.

### Its course

{course}

## Figures

Greedy, through Lockstep's own generation. Names and wordings of the generated worlds are unseen. What was written by
hand (`written.jsonl`, `written_later.jsonl`) comes from people who knew neither the worlds nor their wordings; the
second file was written after 28.2 million tokens, and whoever had extended the worlds before had seen some of the
first. F1 is over all questions, exact match over those that can be answered.

| Data | Questions | Exact match | F1 | Abstention F1 | Citation accuracy |
| --- | --- | --- | --- | --- | --- |
{table}

{speed}

Loss on the second half of repeated random sequences: {repetition:.2f} (chance is 9.0, zero a perfect copy).

## The curve

Losses while it trained (the data grow harder on the way), and exact match at level 1 (one passage) and level 4 (four
passages) on a smaller sample where it was measured, with the wordings that were kept from training then:

| Tokens (million) | Loss on answers | Loss on where to look | Level 1 | Level 4 |
| --- | --- | --- | --- | --- |
{curve}

## What it cannot do

{limits}

## What limits it

Finding the passage is the smaller part: with the right paragraph of SQuAD alone, cited nearly always, most answers are
still wrong. Nor, so far, is it room: on questions that it was trained on it is right half as often again as on others.
It lacks practice in reading what people write. From 42.6 to 48.4 million tokens, 12,000 new questions of people raised
F1 on SQuAD's validation questions by 0.04; from there to 53.6 million, over nearly the same questions, 500 of them went
from 0.38 to 0.39, and generated worlds stayed as they were. So more tokens of the same data pay little now; more
questions of people, or a larger model, should. Two cores train on 1,700 tokens a second: a billion tokens
would take a week. On a GPU it should be hours; the builder has only been run on CPUs.
"""
LIMITS = """- It knows no facts of its own, follows no other instruction, and speaks no language but simple English.
- It picks the wrong words more often than a model of a hundred times its size, above all where question and passage
  share no words.
- It does not reason over several passages, count, compare or convert units.
- It was trained on contexts of up to {longest} tokens; towards {context} it is unreliable."""


def world_episodes(level: int, *, seed: int, questions: int) -> list[Episode]:
    """Episodes of a level of the generated worlds."""
    world = World(Random(f"card:{seed}:{level}"), Prompt(), evaluation=True)
    return [world.episode(level) for _ in range(questions)]


def written_episodes(file: str) -> list[Episode]:
    """What somebody wrote by hand who had seen neither the generated worlds nor how they are worded."""
    episodes = []
    for row in map(json.loads, Path(__file__).with_name(file).read_text().splitlines()):
        passages = tuple(passage(text, "", position) for position, text in enumerate(row["passages"]))
        completion = Prompt().abstention if row["answer"] is None else f"{row['answer']} [{row['passage']}]"
        episodes.append(Episode(row["question"], passages, completion, row["answer"]))
    return episodes


def reading_row(name: str, generator: Generator, episodes: list[Episode]) -> str:
    """The figures on episodes."""
    prompt = Prompt()
    answers = generator.generate([generator.encode(episode.messages(prompt)) for episode in episodes], 32)
    figures = outcomes(episodes, answers, prompt)
    figures["f1"] = _mean_f1(answers, [[] if e.value is None else [e.value] for e in episodes], prompt)
    return _row(name, len(episodes), figures)


def squad_row(generator: Generator, directory: Path, *, split: str, paragraphs: int, seed: int, questions: int) -> str:
    """Figures on questions of SQuAD over the right paragraph and others of the same article, in random order."""
    prompt, random = Prompt(), Random(f"card:{seed}:squad")
    corpus = {row["id"]: row for row in rows(directory / "corpus.jsonl.gz")}
    asked = [row for row in rows(directory / "qa.jsonl.gz") if row["split"] == split]
    chosen = random.sample(asked, min(questions, len(asked)))
    prompts, marks = [], []
    for row in chosen:
        oracle = corpus[row["doc_ids"][0]]
        others = [one for one in corpus.values() if one["article"] == oracle["article"] and one is not oracle]
        shown = [oracle, *random.sample(others, min(paragraphs - 1, len(others)))]
        random.shuffle(shown)
        marks.append(shown.index(oracle) + 1)
        passages = [
            Passage(one["id"], f"{one['id']}#0", one["text"], one["title"], 1.0, rank, 0.5)
            for rank, one in enumerate(shown, start=1)
        ]
        prompts.append(generator.encode(render(row["question"], passages, prompt)))
    fitting = [i for i, one in enumerate(prompts) if len(one) < generator.max_context]
    answers = dict(zip(fitting, generator.generate([prompts[i] for i in fitting], 32), strict=True))
    texts = [answers.get(i, "") for i in range(len(prompts))]
    scores = [
        score_answer(strip_marks(text), row["answers"], abstained=is_abstention(text, prompt))
        for text, row in zip(texts, chosen, strict=True)
    ]
    answered = [(text, mark) for text, mark in zip(texts, marks, strict=True) if not is_abstention(text, prompt)]
    figures = {
        "f1": sum(score.squad_f1 for score in scores) / len(scores),
        "exact_match": sum(score.squad_exact_match for score in scores) / len(scores),
        "citation_accuracy": sum(cited_marks(text, 4)[:1] == [mark] for text, mark in answered) / max(len(answered), 1),
    }
    return _row(f"SQuAD {split}, {paragraphs} paragraph{'s' if paragraphs > 1 else ''}", len(chosen), figures)


def throughput(generator: Generator, *, requests: int = 16, tokens: int = 64) -> float:
    """Tokens per second over concurrent requests that never stop early."""
    prompt = generator.encode(World(Random(1), Prompt()).episode(4).messages(Prompt()))
    kept, generator.eos_token_ids = generator.eos_token_ids, [-1]
    try:
        with generator:
            generator.generate([prompt], 2)
            started = time.monotonic()
            generator.generate([prompt] * requests, tokens)
            return requests * tokens / (time.monotonic() - started)
    finally:
        generator.eos_token_ids = kept


def _mean_f1(answers: list[str], references: list[list[str]], prompt: Prompt) -> float:
    scores = [
        score_answer(strip_marks(answer), accepted, abstained=is_abstention(answer, prompt)).squad_f1
        for answer, accepted in zip(answers, references, strict=True)
    ]
    return sum(scores) / len(scores)


def _row(name: str, questions: int, figures: dict[str, float]) -> str:
    cells = [
        f"{figures[key]:.2f}" if key in figures else ""
        for key in ("exact_match", "f1", "abstention_f1", "citation_accuracy")
    ]
    return f"| {name} | {questions} | {' | '.join(cells)} |"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--squad", required=True)
    parser.add_argument("--model", default=str(starter_path()))
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    model = Path(arguments.model)
    history = json.loads((model / HISTORY).read_text())
    generator = load_generator(model, device="cpu")
    config = generator.model.config
    table = [
        reading_row(
            f"generated worlds, level {level}",
            generator,
            world_episodes(level, seed=arguments.seed, questions=arguments.questions),
        )
        for level in (1, 2, 4)
    ]
    table += [reading_row(name, generator, written_episodes(file)) for name, file in WRITTEN.items()]
    table += [
        squad_row(
            generator,
            Path(arguments.squad),
            split=split,
            paragraphs=paragraphs,
            seed=arguments.seed,
            questions=arguments.questions,
        )
        for split, paragraphs in (("train", 4), ("validation", 1), ("validation", 4))
    ]
    speed = f"{throughput(generator):.0f} tokens per second over 16 concurrent requests on the CPU that trained it."
    repetition = repetition_loss(generator.model, config.vocab_size, seed=arguments.seed)
    curve, last = [], 0.0
    for entry in history:
        levels = [f"{entry[level]['exact_match']:.2f}" if level in entry else "" for level in ("level_1", "level_4")]
        if any(levels) or entry["tokens"] - last > history[-1]["tokens"] / 12:
            last = entry["tokens"]
            lost = f"{entry['answer_loss']:.2f} | {entry['pointing_loss']:.2f}"
            curve.append(f"| {last / 1e6:.2f} | {lost} | {' | '.join(levels)} |")
    text = CARD.format(
        parameters=generator.model.num_parameters() / 1e6,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        vocabulary=config.vocab_size,
        context=config.max_position_embeddings,
        tokens=f"{history[-1]['tokens'] / 1e6:.1f} million",
        course=COURSE,
        seed=arguments.seed,
        table="\n".join(table),
        speed=speed,
        repetition=repetition,
        curve="\n".join(curve),
        limits=LIMITS.format(longest=LONGEST, context=config.max_position_embeddings),
    )
    text = "\n\n".join(map(_wrapped, text.split("\n\n")))
    publish_bytes(model / "README.md", f"{text.strip()}\n".encode())
    print(text)


def _wrapped(block: str) -> str:
    """A paragraph in lines as long as the others; lists, tables and headings stay."""
    return block if block[0] in "-#|" else fill(" ".join(block.split()), 120, break_on_hyphens=False)


if __name__ == "__main__":
    main()
