"""LangChain in front of a service: asked, streamed, with tools bound, over a conversation, as an embedder.

    python tests/walks/langchain_openai_chat.py http://127.0.0.1:8000/v1 "QUESTION" [KEY]

Runs in an environment of its own with `langchain-openai`. Prints what came; exits with 1 where something else
came than the service promises.
"""

import sys

import openai
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


@tool
def weather(place: str) -> str:
    """The weather in a place."""
    return f"rain in {place}"


def main() -> int:
    """Run the walk."""
    url, question, key = sys.argv[1], sys.argv[2], (sys.argv[3:] or ["none"])[0]
    model = ChatOpenAI(model="lockstep", base_url=url, api_key=key, timeout=300, max_retries=0)

    whole = model.invoke(question)
    print("invoke:", whole.content, whole.response_metadata.get("model_name"), whole.usage_metadata)
    assert whole.content

    chunks = list(model.stream(question))
    streamed = "".join(str(chunk.content) for chunk in chunks)
    print("stream:", len(chunks), "chunks;", streamed)
    assert streamed == whole.content

    again = model.invoke([("human", question), ("ai", whole.content), ("human", "And how much does it weigh?")])
    print("follow-up:", again.content)

    bound = model.bind_tools([weather]).invoke(question)
    print("tools bound:", bound.content, bound.tool_calls)
    assert bound.tool_calls == []
    assert bound.content == whole.content

    try:  # it forces a tool or a schema upon the model, which is refused by name
        model.with_structured_output({"title": "T", "type": "object", "properties": {}}).invoke(question)
        return 1
    except openai.BadRequestError as error:
        print("structured output:", error.status_code, error.body)

    embedder = OpenAIEmbeddings(model="lockstep", base_url=url, api_key=key, check_embedding_ctx_length=False)
    print("embeddings:", len(embedder.embed_query("the depth")), len(embedder.embed_documents(["a", "b"])))
    try:
        OpenAIEmbeddings(model="lockstep", base_url=url, api_key=key).embed_query("the depth")
    except openai.BadRequestError as error:
        print("token ids:", error.status_code, error.body)
    except Exception as error:  # tiktoken fetches its vocabulary
        print("token ids: not reached", type(error).__name__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
