"""A generator that answers every prompt once, and scores every completion of it once."""

from training.evaluation.memoized import Memoized


class Counting:
    identity = "one model"
    max_context = 7
    computes_beside = 2

    def __init__(self):
        self.asked = []

    def encode(self, messages, *, thinking=False):
        return [len(messages)]

    def complete(self, prompts, max_new_tokens):
        self.asked.append((prompts, max_new_tokens))
        return [(f"{prompt} in {max_new_tokens}", "stop") for prompt in prompts]

    def encode_completion(self, text):
        return [len(text)]

    def score(self, prompt_ids, completion_ids):
        self.asked.append((prompt_ids, completion_ids))
        return 0.5, len(completion_ids), len(self.asked)


def test_what_was_said_is_not_computed_again():
    counting = Counting()
    generator = Memoized(counting)
    assert [text for text, _ in generator.complete([[1], [2], [1]], 5)] == ["[1] in 5", "[2] in 5", "[1] in 5"]
    assert [text for text, _ in generator.complete([[2], [3]], 5)] == ["[2] in 5", "[3] in 5"]
    assert [text for text, _ in generator.complete([[1]], 5)] == ["[1] in 5"]
    assert [text for text, _ in generator.complete([[1]], 6)] == ["[1] in 6"]
    assert counting.asked == [([[1], [2]], 5), ([[3]], 5), ([[1]], 6)]


def test_what_was_said_outlives_a_kill_and_belongs_to_one_model(tmp_path):
    kept = tmp_path / "answers.jsonl"
    first, again, other, unknown = Counting(), Counting(), Counting(), Counting()
    assert Memoized(first, kept).complete([[1]], 5) == [("[1] in 5", "stop")]
    with kept.open("a") as file:
        file.write('\n{"asked": "cut by a')
    assert Memoized(again, kept).complete([[1]], 5) == [("[1] in 5", "stop")]
    assert first.asked
    assert not again.asked
    other.identity, unknown.identity = "another model", None
    Memoized(other, kept).complete([[1]], 5)
    Memoized(unknown, kept).complete([[1]], 5)
    assert other.asked
    assert unknown.asked


def test_what_was_scored_is_not_computed_again():
    counting = Counting()
    generator = Memoized(counting)
    assert generator.score([1], [2, 3]) == generator.score([1], [2, 3]) == (0.5, 2, 1)
    assert generator.score([1, 2], [3]) == (0.5, 1, 2), "the same tokens, divided elsewhere"
    assert counting.asked == [([1], [2, 3]), ([1, 2], [3])]


def test_everything_else_is_the_generator_s_own():
    assert Memoized(Counting()).max_context == 7
    assert Memoized(Counting()).computes_beside == 2
    assert Memoized(Counting()).encode([{"role": "user", "content": "a"}]) == [1]
    assert Memoized(Counting()).encode_completion("two") == [3]


def test_what_was_weighed_is_not_computed_again_nor_after_a_kill(tmp_path):
    class Weighing(Counting):
        can_score = True

        def weigh(self, prompts, choices):
            self.asked.append((prompts, choices))
            return [[-float(len(text)) for text in own] for own in choices]

    kept = tmp_path / "answers.jsonl"
    counting, again = Weighing(), Weighing()
    generator = Memoized(counting, kept)
    assert generator.can_score
    assert generator.weigh([[1], [2], [1]], [("yes", "no")] * 3) == [[-3.0, -2.0]] * 3
    assert generator.weigh([[1], [1]], [("yes", "no"), ("no",)]) == [[-3.0, -2.0], [-2.0]]
    assert counting.asked == [([[1], [2]], [("yes", "no")] * 2), ([[1]], [("no",)])]
    assert Memoized(again, kept).weigh([[2]], [("yes", "no")]) == [[-3.0, -2.0]]
    assert not again.asked
