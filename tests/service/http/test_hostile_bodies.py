"""Bodies that are made to hurt, or that clients send by accident: answered or refused, and at once."""

import json

import httpx
import openai
import pytest

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "half \ud83d"}], "stop": "\ud83d"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "text", "text": "\ud83d"}]}]}),
        ("/v1/embeddings", {"input": ["half \ud83d"]}),
        ("/v1/lockstep/search", {"question": "half \ud83d"}),
    ],
)
def test_half_a_character_is_taken(url, path, body, source):
    """A client that cuts a text through an emoji sends it."""
    body = body if "search" in path else body | {"model": "lockstep"}
    found = httpx.post(f"{url}{path}", content=json.dumps(body), headers=JSON, timeout=60)
    assert found.status_code == 200, found.text
    assert "\ud83d" not in "".join(source.runtimes["r1"].searcher.questions)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{}] * 30_000},
        {"messages": [{"role": "user", "content": [{}] * 30_000}]},
        {"messages": [{"role": "user", "content": "a"}] * 2049},
        {"messages": [{"role": "user", "content": "a"}], "tools": [1] * 30_000},
        {str(number): 0 for number in range(10_000)},
    ],
)
def test_of_many_faults_one_is_looked_for(body, monkeypatch):
    """Nothing else is answered while a body is validated: a hundred thousand faults took seconds."""
    from pydantic import ValidationError

    from service.http.schemas import ChatRequest

    with pytest.raises(ValidationError) as caught:
        ChatRequest.model_validate({"model": "lockstep"} | body)
    assert len(caught.value.errors()) <= 3


@pytest.mark.parametrize("model", ["lockstep", "lockstep-base"])
def test_a_question_beyond_any_context_is_refused_unread(client, source, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x" * 20_000}])
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")
    assert source.runtimes["r1"].searcher.questions == []
    assert source.runtimes["r1"].generator.messages == []


def test_the_schema_tells_the_bounds_of_numbers():
    from service.http.schemas import ChatRequest, EmbeddingsRequest, SearchRequest

    for model, name in ((ChatRequest, "max_tokens"), (EmbeddingsRequest, "dimensions"), (SearchRequest, "top_k")):
        assert model.model_json_schema()["properties"][name]["anyOf"][0]["minimum"] == 1
