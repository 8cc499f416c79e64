import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
import torch

from retrieval.errors import Busy, InputError, LockstepError
from training.generator.files import load_model
from training.generator.generation import Generator, load_generator
from training.library_output import quiet_libraries

PROMPTS = ["What is 12 bar?", "Valve", "The pump runs at 30 rpm and the fan at 900 rpm.", "a b c"]


@pytest.fixture(scope="module")
def generator(tiny_model_path):
    """In float32, so that batching cannot change a token by rounding."""
    model, tokenizer = load_model(tiny_model_path)
    with Generator(model.eval(), tokenizer, cache_tokens=1024, max_batch_tokens=256, max_requests=8) as one:
        yield one
    assert not one.running


def prompts_of(generator: Generator) -> list[list[int]]:
    return [generator.encode([{"role": "user", "content": text}]) for text in PROMPTS]


def plain(generator: Generator, prompt: list[int], length: int) -> list[int]:
    """What transformers' own generate says, greedily."""
    with torch.inference_mode():
        ids = torch.tensor([prompt])
        out = generator.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=length,
            do_sample=False,
            eos_token_id=generator.eos_token_ids,
            pad_token_id=generator.tokenizer.pad_token_id,
        )
    return out[0, len(prompt) :].tolist()


def test_same_greedy_tokens_as_plain_generate(generator):
    prompts = prompts_of(generator) * 3
    expected = [generator.tokenizer.decode(plain(generator, p, 24), skip_special_tokens=True) for p in prompts]

    assert generator.generate(prompts, 24) == [text.rstrip("�") for text in expected]


def test_more_prompts_than_fit_at_a_time_keep_their_order(generator):
    prompts = prompts_of(generator)
    one_by_one = [generator.generate([prompt], 6)[0] for prompt in prompts]
    assert generator.generate(prompts * 10, 6) == one_by_one * 10


def test_streams_pieces_that_join_to_the_text(generator):
    prompt = prompts_of(generator)[0]
    handle = generator.submit(prompt, max_new_tokens=30)
    pieces = list(handle)

    assert len(pieces) > 3
    assert "".join(pieces) == generator.generate([prompt], 30)[0]
    assert handle.finish_reason == "length"
    assert (handle.prompt_tokens, handle.completion_tokens) == (len(prompt), 30)
    assert list(handle) == []


def test_each_request_has_its_own_length(generator):
    prompt = prompts_of(generator)[0]
    handles = [generator.submit(prompt, max_new_tokens=n) for n in (1, 5, 17)]
    for handle in handles:
        handle.text()
    assert [handle.completion_tokens for handle in handles] == [1, 5, 17]


def test_stops_at_the_end_of_the_turn(generator):
    prompt = prompts_of(generator)[0]
    second = plain(generator, prompt, 3)[1]
    generator.eos_token_ids.append(second)
    try:
        handle = generator.submit(prompt, max_new_tokens=20)
        handle.text()
    finally:
        generator.eos_token_ids.remove(second)
    assert (handle.finish_reason, handle.completion_tokens) == ("stop", 2)


def test_temperature_is_per_request(generator):
    prompt = prompts_of(generator)[1]
    greedy = generator.generate([prompt], 12)[0]
    hot = [generator.submit(prompt, max_new_tokens=12, temperature=50.0) for _ in range(4)]
    cold = [generator.submit(prompt, max_new_tokens=12) for _ in range(4)]
    assert [handle.text() for handle in cold] == [greedy] * 4
    assert any(handle.text() != greedy for handle in hot)


def test_cancel_ends_the_stream_and_frees_its_place(generator):
    prompt = prompts_of(generator)[0]
    handle = generator.submit(prompt, max_new_tokens=200)
    pieces = iter(handle)
    next(pieces)
    handle.cancel()
    handle.cancel()
    rest = list(pieces)
    assert handle.finish_reason == "cancelled"
    assert handle.completion_tokens < 200
    assert len(rest) < 200
    assert not generator._open
    assert generator.generate([prompt], 4) == [generator.generate([prompt], 4)[0]]


def test_submitted_from_many_threads(generator):
    prompts = prompts_of(generator)
    expected = generator.generate(prompts, 10)
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        found[number] = generator.submit(prompts[number % 4], max_new_tokens=10).text()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(12)] == [expected[n % 4] for n in range(12)]


def test_too_long_a_prompt_says_how_long(generator):
    assert generator.max_context == 256
    with pytest.raises(InputError, match=r"found a prompt of 256 tokens, limit 255"):
        generator.submit([5] * 256, max_new_tokens=1)
    with pytest.raises(InputError, match="empty prompt"):
        generator.generate([[]], 1)


def test_the_answer_ends_with_the_context(generator):
    handle = generator.submit([5] * 250, max_new_tokens=50)
    handle.text()
    assert (handle.completion_tokens, handle.finish_reason) == (6, "length")


def test_wrong_arguments_are_refused(generator):
    with pytest.raises(ValueError, match="max_new_tokens 0"):
        generator.submit([5], max_new_tokens=0)
    with pytest.raises(ValueError, match="temperature -1"):
        generator.submit([5], max_new_tokens=1, temperature=-1)


def test_score_is_the_teacher_forced_loss(generator):
    prompt = prompts_of(generator)[2]
    best = plain(generator, prompt, 5)
    completion = [best[0], (best[1] + 1) % len(generator.tokenizer)]
    with torch.inference_mode():
        logits = generator.model(torch.tensor([prompt + completion])).logits[0].double()
        losses = -logits.log_softmax(-1)
        expected = sum(float(losses[len(prompt) - 1 + i, one]) for i, one in enumerate(completion))

    loss, tokens, correct = generator.score(prompt, completion)

    assert loss == pytest.approx(expected, rel=1e-4)
    assert (tokens, correct) == (2, 1)
    assert generator.score(prompt, []) == (0.0, 0, 0)
    with pytest.raises(InputError, match="limit 255"):
        generator.score([5] * 250, [6] * 7)


@pytest.mark.parametrize("one_core_below", [0, 10**9], ids=["the engine waits", "on another core"])
def test_score_while_others_generate(tiny_model_path, monkeypatch, one_core_below):
    monkeypatch.setattr("training.generator.engine.ONE_CORE_BELOW", one_core_below)
    model, tokenizer = load_model(tiny_model_path)
    with Generator(model.eval(), tokenizer, cache_tokens=1024, max_batch_tokens=256) as generator:
        prompt = prompts_of(generator)[0]
        handles = [generator.submit(prompt, max_new_tokens=100) for _ in range(3)]
        assert generator.computes_beside == (len(generator._engines) if one_core_below else 0)
        first = generator.score(prompt, [9, 10])
        assert (generator._spare is not None) == bool(one_core_below)
        said = generator.generate([prompt], 100)[0]
        assert [handle.text() for handle in handles] == [said] * 3
        assert generator.score(prompt, [9, 10]) == first
    assert generator.score(prompt, [9, 10]) == pytest.approx(first, rel=1e-5), "without an engine"


def test_a_full_queue_is_busy(tiny_model_path):
    model, tokenizer = load_model(tiny_model_path)
    with Generator(model, tokenizer, cache_tokens=512, max_waiting=2) as generator:
        handles = [generator.submit([5, 6], max_new_tokens=200) for _ in range(2)]
        with pytest.raises(Busy, match="found 2 requests"):
            generator.submit([5, 6], max_new_tokens=1)
        for handle in handles:
            handle.cancel()


def test_requests_that_outgrow_the_cache_still_finish(tiny_model_path):
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=256, max_batch_tokens=64, max_requests=8)
    prompts = [[5 + n] * 60 for n in range(6)]
    alone = [generator.generate([prompt], 100)[0] for prompt in prompts]
    assert generator.generate(prompts, 100) == alone


def test_stop_fails_what_runs_and_ends_every_thread(tiny_model_path):
    before = set(threading.enumerate())
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=512)
    generator.start()
    generator.start()
    handle = generator.submit([5, 6], max_new_tokens=250)
    generator.stop()
    generator.stop()
    with pytest.raises(LockstepError, match=r"stopped|failed"):
        handle.text()
    assert handle.finish_reason == "error"
    assert not generator.running
    assert set(threading.enumerate()) == before
    with pytest.raises(LockstepError, match="not running"):
        generator.submit([5, 6], max_new_tokens=2)
    assert len(generator.generate([[5, 6]], 2)) == 1  # and it can be used again
    assert set(threading.enumerate()) == before


def test_an_engine_that_dies_says_so(tiny_model_path):
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=512)
    generator.start()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no memory left on the device")

    model.forward = broken
    handle = generator.submit([5, 6], max_new_tokens=5)
    with pytest.raises(LockstepError, match=r"no memory left"):
        handle.text()
    generator._engines[0]._dispatcher.join()
    with pytest.raises(LockstepError, match=r"not running.*no memory left"):
        generator.submit([5, 6], max_new_tokens=5)
    generator.stop()


def test_a_small_model_has_an_engine_on_each_core(tiny_model_path, monkeypatch):
    monkeypatch.setattr("training.generator.engine.torch.get_num_threads", lambda: 3)
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=512)
    prompts = [[5 + n] * 20 for n in range(9)]
    with generator:
        handles = [generator.submit(prompt, max_new_tokens=60) for prompt in prompts]
        assert sorted(Counter(handle._engine for handle in handles).values()) == [3, 3, 3]
        for handle in handles[::2]:
            handle.cancel()
        assert [handle.text() for handle in handles[1::2]] == generator.generate(prompts[1::2], 60)
    monkeypatch.setattr("training.generator.engine.ONE_CORE_BELOW", 0)
    with generator:
        assert len(generator._engines) == 1, "a larger model has use for all cores itself"


def test_when_one_of_its_engines_dies_all_is_said_to_have_failed(tiny_model_path, monkeypatch):
    monkeypatch.setattr("training.generator.engine.torch.get_num_threads", lambda: 2)
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=512)
    expected = generator.generate([[5, 6], [7, 8]], 4)
    generator.start()
    forward = model.forward

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no memory left on the device")

    model.forward = broken  # the other engine has a copy
    with pytest.raises(LockstepError, match="no memory left"):
        generator.generate([[5, 6], [7, 8]], 200)
    assert not generator.running
    model.forward = forward
    assert generator.generate([[5, 6], [7, 8]], 4) == expected
    generator.stop()


def test_a_dead_engine_can_be_started_again(tiny_model_path):
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=512)
    expected = generator.generate([[5, 6]], 4)
    generator.start()
    forward = model.forward

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no memory left on the device")

    model.forward = broken
    with pytest.raises(LockstepError, match="no memory left"):
        generator.generate([[5, 6]], 4)
    model.forward = forward
    assert generator.generate([[5, 6]], 4) == expected
    assert generator.running
    generator.stop()


def test_generating_at_once_without_starting(tiny_model_path):
    model, tokenizer = load_model(tiny_model_path)
    generator = Generator(model, tokenizer, cache_tokens=512)
    expected = generator.generate([[5, 6]], 30)
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(generator.generate([[5, 6]], 30))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
    assert not generator.running


def test_a_command_that_fails_still_exits(tiny_model_path):
    code = (
        "import sys; from pathlib import Path; from training.generator.generation import load_generator\n"
        "generator = load_generator(Path(sys.argv[1]))\n"
        "generator.start(); generator.submit([5, 6], max_new_tokens=250); raise SystemExit(3)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_model_path)], cwd=root, timeout=120, capture_output=True, check=False
    )
    assert done.returncode == 3, done.stderr.decode()


class TestLoad:
    def test_missing_files_are_named(self, tmp_path: Path):
        with pytest.raises(InputError, match=r"found no such directory, expected a causal language model"):
            load_generator(tmp_path / "nothing")
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(InputError, match=r"found config.json, expected .* \*\.safetensors"):
            load_generator(tmp_path)

    def test_pickled_weights_are_not_read(self, tmp_path: Path, tiny_model_path: Path):
        copy = tmp_path / "model"
        shutil.copytree(tiny_model_path, copy)
        (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
        with pytest.raises(InputError, match=r"\*\.safetensors"):
            load_generator(copy)

    def test_code_of_a_model_is_not_run(self, tmp_path: Path, tiny_model_path: Path):
        copy = tmp_path / "model"
        shutil.copytree(tiny_model_path, copy)
        config = json.loads((copy / "config.json").read_text())
        config |= {"model_type": "mine", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
        (copy / "config.json").write_text(json.dumps(config))
        (copy / "evil.py").write_text("raise SystemExit('ran')")
        with pytest.raises(InputError, match="needs no code of its own"):
            load_generator(copy)

    def test_a_model_without_chat_template_is_refused(self, tmp_path: Path, tiny_model_path: Path):
        copy = tmp_path / "model"
        shutil.copytree(tiny_model_path, copy)
        (copy / "chat_template.jinja").unlink()
        with pytest.raises(InputError, match="without a chat template"):
            load_generator(copy)

    def test_an_adapter_changes_the_answers_and_is_merged(self, tmp_path: Path, tiny_model_path: Path):
        adapter = make_adapter(tiny_model_path, tmp_path / "adapter")
        base = load_generator(tiny_model_path)
        tuned = load_generator(tiny_model_path, adapter)
        prompt = base.encode([{"role": "user", "content": "hello"}])
        assert type(tuned.model) is type(base.model)
        assert not any("lora" in name for name, _ in tuned.model.named_parameters())
        assert tuned.score(prompt, [9, 10]) != base.score(prompt, [9, 10])
        assert tuned.generate([prompt], 8) != base.generate([prompt], 8)

    def test_an_adapter_of_another_model_is_refused(self, tmp_path: Path, tiny_model_path: Path):
        from safetensors.numpy import load_file, save_file

        adapter = make_adapter(tiny_model_path, tmp_path / "adapter")
        tensors = load_file(adapter / "adapter_model.safetensors")
        save_file({k: v[:, :5].copy() for k, v in tensors.items()}, adapter / "adapter_model.safetensors")
        with pytest.raises(InputError, match="does not fit"):
            load_generator(tiny_model_path, adapter)

    def test_an_adapter_without_safetensors_is_refused(self, tmp_path: Path, tiny_model_path: Path):
        adapter = make_adapter(tiny_model_path, tmp_path / "adapter")
        (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
        with pytest.raises(InputError, match=r"expected a LoRA adapter with adapter_model.safetensors"):
            load_generator(tiny_model_path, adapter)


def make_adapter(base: Path, output: Path) -> Path:
    """A LoRA adapter whose weights are not zero."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    with quiet_libraries():
        get_peft_model(load_model(base)[0], config).save_pretrained(output)
    return output
