"""OpenAI's own Python client against the endpoints under /v1, sync and async."""

import asyncio
import base64
import os

import openai
import pytest

URL = os.environ["NEREID_URL"]
PROMPT = "The with statement"


@pytest.fixture(scope="module")
def client():
    with openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0) as client:
        yield client


def chat(client, model="scribe", content=PROMPT, **more):
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": content}], **more
    )


def test_models(client):
    ids = [model.id for model in client.models.list()]
    assert ids == sorted(ids) and "scribe" in ids
    assert client.models.retrieve("scribe").owned_by == "Triton Inference Server"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("nothing")
    assert missing.value.code == "model_not_found"


def test_endpoints_that_are_missing(client):
    with pytest.raises(openai.NotFoundError, match=r"Invalid URL \(POST /v1/responses\)") as missing:
        client.responses.create(model="scribe", input="a")
    assert (missing.value.code, missing.value.type) == ("unknown_url", "invalid_request_error")
    with pytest.raises(openai.NotFoundError, match=r"/v1/audio/speech"):
        client.audio.speech.create(model="scribe", voice="alloy", input="a")
    with pytest.raises(openai.APIStatusError, match="it takes POST") as wrong:
        client.get("/completions", cast_to=object)
    assert (wrong.value.status_code, wrong.value.code) == (405, "method_not_allowed")


def test_chat(client):
    answer = chat(client, max_completion_tokens=40, temperature=0, seed=1)
    (choice,) = answer.choices
    assert len(choice.message.content) == 40
    assert (choice.message.role, choice.finish_reason) == ("assistant", "length")
    # The model's template ends a message with a new line; a token is a letter.
    assert answer.usage.prompt_tokens == len(PROMPT) + 1
    assert answer.usage.completion_tokens == 40
    again = chat(client, max_completion_tokens=40, temperature=0, seed=1)
    assert again.choices[0].message.content == choice.message.content


def test_chat_streamed_says_the_same(client):
    asked = {"max_tokens": 60, "temperature": 0.8, "seed": 7}
    whole = chat(client, **asked)
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}, **asked))
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == whole.choices[0].message.content
    assert len([text for text in texts if text]) == 60
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_choices_differ(client):
    answer = chat(client, n=3, max_tokens=30, seed=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3
    assert answer.usage.completion_tokens == 90
    streamed = ["", "", ""]
    for chunk in chat(client, n=3, max_tokens=30, seed=1, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert streamed == [choice.message.content for choice in answer.choices]


def test_stop(client):
    answer = client.completions.create(
        model="scribe", prompt="A class", max_tokens=400, temperature=0.5, seed=2, stop=["."]
    )
    assert answer.choices[0].finish_reason == "stop"
    assert "." not in answer.choices[0].text


def test_logprobs(client):
    answer = chat(client, max_tokens=5, logprobs=True, top_logprobs=3, seed=4)
    places = answer.choices[0].logprobs.content
    assert "".join(place.token for place in places) == answer.choices[0].message.content
    assert all(len(place.top_logprobs) in (3, 4) and place.logprob <= 0 for place in places)
    completion = client.completions.create(model="scribe", prompt="A", max_tokens=4, logprobs=2, seed=4)
    logprobs = completion.choices[0].logprobs
    assert "".join(logprobs.tokens) == completion.choices[0].text
    assert logprobs.text_offset == [0, 1, 2, 3]


def test_completions_of_several_prompts(client):
    answer = client.completions.create(
        model="words", prompt=["a b c d", "e f"], max_tokens=3, echo=True
    )
    assert [choice.text for choice in answer.choices] == ["a b c da b c", "e fe f"]
    assert [choice.finish_reason for choice in answer.choices] == ["length", "stop"]
    assert answer.usage.model_dump(include={"prompt_tokens", "completion_tokens"}) == {
        "prompt_tokens": 6,
        "completion_tokens": 5,
    }


def test_model_as_of_tensorrt_llm(client):
    asked = {"model": "words", "content": "one two three four", "max_tokens": 10, "stop": "three"}
    assert chat(client, **asked).choices[0].message.content == "one two"
    pieces = [chunk.choices[0].delta.content for chunk in chat(client, stream=True, **asked)]
    assert [piece for piece in pieces if piece] == ["one ", "two "]


def test_tool_call(client):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    answer = chat(client, model="words", tools=tools, tool_choice="required")
    (call,) = answer.choices[0].message.tool_calls
    # The stand-in answers with what it is held to.
    assert call.function.name == "weather" and '"city"' in call.function.arguments
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, model="words", tools=tools)
    assert refused.value.param == "tool_choice"


def test_tools_that_the_model_calls(client):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    messages = [{"role": "user", "content": "Kyiv"}]
    asked = {"model": "caller", "tools": tools}
    (choice,) = client.chat.completions.create(messages=messages, **asked).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me look.\n")
    (call,) = choice.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Kyiv"}')
    # What the client keeps of the answer can be sent back as it is.
    messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = client.chat.completions.create(messages=messages, **asked)
    assert answer.choices[0].message.content == "It is sunny."
    with client.chat.completions.stream(messages=messages[:1], **asked) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.message.tool_calls[0].function.arguments == '{"city":"Kyiv"}'
    assert (final.finish_reason, final.message.content) == ("tool_calls", "Let me look.\n")


def test_embeddings(client):
    # The client asks for base64 unless it is told otherwise.
    for more in ({}, {"encoding_format": "float"}):
        answer = client.embeddings.create(
            model="embedder", input=["aab", "", "c", "b", "aaaa"][:1] + ["c", "b", "bb", "aaaa"], **more
        )
        assert [list(item.embedding) for item in answer.data] == [
            [1, 0.5, 0],
            [0, 0, 0.5],
            [0, 0.5, 0],
            [0, 1, 0],
            [2, 0, 0],
        ]
        assert [item.index for item in answer.data] == [0, 1, 2, 3, 4]


def test_embeddings_of_vllm(client):
    answer = client.embeddings.create(
        model="vllm_embedder", input=[[1, 2, 3], [4]], dimensions=2, encoding_format="float"
    )
    assert [item.embedding for item in answer.data] == [[3, 3], [1, 1]]
    assert answer.usage.prompt_tokens == 4


def test_image(client):
    picture = base64.b64encode(bytes(1000)).decode()
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    answer = chat(client, model="looks", content=content)
    assert answer.choices[0].message.content == "What is this? 1000 bytes"
    with pytest.raises(openai.BadRequestError):
        chat(client, model="looks", content="What is this?")


@pytest.mark.parametrize(
    "more, param",
    [
        ({"n": 10**9}, "n"),
        ({"temperature": -1}, "temperature"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"extra_body": {"messages": 5}}, "messages"),
    ],
)
def test_refused(client, more, param):
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, **more)
    assert (refused.value.param, refused.value.type) == (param, "invalid_request_error")


def test_full_queue(client):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0) as client:
            # So many that the model is busy with the first ones until the last has come.
            asked = [client.completions.create(model="busy", prompt="a") for _ in range(40)]
            return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask())
    refused = [answer for answer in answers if isinstance(answer, openai.RateLimitError)]
    assert refused and refused[0].code == "rate_limit_exceeded"
    assert any(not isinstance(answer, Exception) for answer in answers)


def test_async_streams_side_by_side():
    async def read(client, seed):
        stream = await client.chat.completions.create(
            model="scribe",
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=50,
            seed=seed,
            stream=True,
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def read_all():
        async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="none") as client:
            return await asyncio.gather(*(read(client, seed) for seed in range(8)))

    texts = asyncio.run(read_all())
    assert all(len(text) == 50 for text in texts) and len(set(texts)) == 8
