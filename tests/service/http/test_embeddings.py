"""``/v1/embeddings``, driven by the unmodified openai client."""

import base64

import httpx
import numpy as np
import openai
import pytest


def test_embeddings_are_the_embedder_s(client, lenient, embedder):
    texts = ["The valve opens at 12 bar.", "The hose is blue."]
    expected = embedder.encode_passages(texts)
    answer = lenient.embeddings.create(model="lockstep", input=texts)  # the client asks for base64
    assert np.allclose([one.embedding for one in answer.data], expected, atol=1e-6)
    plain = client.embeddings.create(model="r1", input=texts[0], encoding_format="float")
    assert np.allclose(plain.data[0].embedding, expected[0], atol=1e-2)
    assert answer.model == "r1"
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 10
    raw = httpx.post(
        f"{client.base_url}embeddings",
        json={"model": "lockstep", "input": texts, "encoding_format": "base64"},
    ).json()
    decoded = np.frombuffer(base64.b64decode(raw["data"][1]["embedding"]), dtype="<f4")
    assert np.allclose(decoded, expected[1], atol=1e-6)


def test_fewer_dimensions_are_of_unit_length(lenient):
    answer = lenient.embeddings.create(model="lockstep", input="The hose is blue.", dimensions=64)
    vector = np.array(answer.data[0].embedding)
    assert vector.shape == (64,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_question_may_be_embedded_as_one(lenient, embedder):
    answer = lenient.embeddings.create(model="lockstep", input="How high?", extra_body={"input_type": "question"})
    assert np.allclose(answer.data[0].embedding, embedder.encode_questions(["How high?"])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": []}, "input"),
        ({"input": "  "}, "input[0]"),
        ({"input": ["a", None]}, "input[1]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": ["short", "word " * 400]}, "input[1]"),
        ({"input": "a", "dimensions": 385}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_inputs_that_cannot_be_embedded(client, parameters, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="lockstep", **parameters)
    assert caught.value.param == param
