"""Which models there are, and what each is asked."""

import openai
import pytest

from training.tasks.task import Task


def test_models_are_listed_and_each_can_be_asked(client):
    models = {model.id: model for model in client.models.list()}
    assert list(models) == ["lockstep", "r1", "lockstep-base", "lockstep-embedder"]
    assert {model.owned_by for model in models.values()} == {"lockstep"}
    for name, model in models.items():
        assert client.models.retrieve(name) == model
        assert model.created == 1795737600
        if name == "lockstep-embedder":
            with pytest.raises(openai.BadRequestError, match="at most the embedder's 384"):
                client.embeddings.create(model=name, input="a", dimensions=100_000)
        else:
            assert client.chat.completions.create(model=name, messages=[{"role": "user", "content": "x"}]).choices


@pytest.mark.parametrize("model", ["gpt-4", "r0", "a/b"])
def test_a_model_that_is_not_there(client, model):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(model)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_the_embedder_does_not_chat_and_the_base_does_not_embed(client):
    with pytest.raises(openai.NotFoundError, match="lockstep-base"):
        client.chat.completions.create(model="lockstep-embedder", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(openai.NotFoundError, match="lockstep-embedder"):
        client.embeddings.create(model="lockstep-base", input="a")


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("lockstep-base", "How high?"),
        ("lockstep", "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history."),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_not_asked_of_the_documents_never_searches_them(client, source, model, text, stream):
    source.runtimes["r1"].searcher.texts = ()
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    answer = client.chat.completions.create(model=model, messages=messages, stream=stream)
    last = list(answer)[-1] if stream else answer
    assert source.runtimes["r1"].searcher.questions == []
    assert source.runtimes["r1"].generator.messages[-1] == messages
    facts = last.lockstep
    assert (facts["question"], facts["passages"], facts["ignored"], facts["release"]) == (None, [], [], "r1")
    assert (last.choices[0].delta if stream else last.choices[0].message).annotations == []


def test_another_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "x"}])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize("tasks", [{"brief": Task(kind="summarisation", instruction="Summarise.")}])
def test_a_task_is_a_model_of_its_own(client, source, tasks):
    assert [model.id for model in client.models.list()][:3] == ["lockstep", "r1", "lockstep:brief"]
    assert client.models.retrieve("lockstep:brief").owned_by == "lockstep"
    messages = [{"role": "user", "content": "The valve"}]
    reply = client.chat.completions.create(model="lockstep:brief", messages=messages)
    assert reply.choices[0].message.content
    assert source.runtimes["r1"].generator.messages[-1][0]["content"] == "Summarise."
    with pytest.raises(openai.NotFoundError, match="lockstep:brief"):
        client.chat.completions.create(model="lockstep:other", messages=messages)
