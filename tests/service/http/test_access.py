"""Who gets in: every route with no key, a wrong one, one without the scope, and a right one."""

import logging

import httpx
import openai
import pytest

from service.http.access import opens, signed
from service.http.app import Doors, create_app
from service.keys import Keys
from tests.service.http.served import served

OWN = "own-secret-of-this-machine"
OPEN = {"/livez", "/readyz"}
ADMIN = {"/metrics"}


@pytest.fixture
def keys(tmp_path) -> Keys:
    return Keys(tmp_path / "keys.json")


@pytest.fixture
def app(live, keys):
    return create_app(live, max_body_bytes=10_000, doors=Doors(keys=keys, own=OWN))


@pytest.fixture
def address(app):
    with served(app) as url:
        yield url


def call(address: str, method: str, path: str, key: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.request(method, f"{address}{path.replace('{document}', 'a').replace('{model}', 'a')}", headers=headers)


def routes(app) -> list[tuple[str, str]]:
    paths = app.openapi()["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    return sorted(found | {("GET", "/openapi.json"), ("GET", "/v1/nothing")})


def test_every_route_asks_for_its_key(app, address, keys, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    _, chat = keys.create("ann", ["chat"])
    _, ingest = keys.create("bob", ["ingest"])
    _, admin = keys.create("cy", ["admin"])
    seen = []
    assert len(routes(app)) >= 10
    for method, path in routes(app):
        wanted = "none" if path in OPEN else "chat" if path not in ADMIN | {"/v1/nothing"} else "admin"
        for name, key in (
            ("none", None),
            ("wrong", chat[:-1] + ("a" if chat[-1] != "a" else "b")),
            ("ingest", ingest),
            ("chat", chat),
            ("admin", admin),
            ("own", OWN),
        ):
            found = call(address, method, path, key)
            seen.append(found.text + str(found.headers))
            allowed = wanted == "none" or name in ("admin", "own", wanted)
            refused = 401 if name in ("none", "wrong") else 403
            assert (found.status_code == refused) == (not allowed), (method, path, name, found.text)
            if not allowed:
                assert set(found.json()["error"]) == {"message", "type", "param", "code"}
    told = "".join(seen) + caplog.text + "".join(capfd.readouterr())
    assert not [key for key in (chat, ingest, admin, OWN) if key in told or key.split("-", 2)[-1] in told]


def test_openai_s_client_understands_a_refusal(address, keys):
    keys.create("ann", ["chat"])
    _, ingest = keys.create("bob", ["ingest"])
    for key, kind, code in (
        ("wrong", openai.AuthenticationError, "invalid_api_key"),
        (ingest, openai.PermissionDeniedError, "missing_scope"),
    ):
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
            with pytest.raises(kind) as caught:
                client.models.list()
            assert caught.value.code == code


def test_without_keys_this_machine_is_served_and_others_never(live, keys, address):
    assert call(address, "GET", "/v1/models").status_code == 200
    app = create_app(live, max_body_bytes=10_000, doors=Doors(keys=keys, required=True, own=OWN))
    with served(app) as beyond:
        assert call(beyond, "GET", "/v1/models").status_code == 401, "the last key was revoked, say"


def test_a_damaged_file_of_keys_lets_nobody_in(address, tmp_path):
    (tmp_path / "keys.json").write_text("{")
    found = call(address, "GET", "/v1/models")
    assert (found.status_code, found.json()["error"]["code"]) == (503, "storage")


def test_the_link_of_a_citation_opens_its_document_only(address, keys):
    _, key = keys.create("ann", ["chat"])
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
        completion = client.chat.completions.create(model="lockstep", messages=[{"role": "user", "content": "a"}])
    (annotation,) = completion.choices[0].message.annotations
    link = annotation.url_citation.url.partition("#")[0]
    assert "signature=" in link
    assert httpx.get(link).status_code != 401
    assert httpx.get(link.replace("d1.md", "d2.md")).status_code == 401
    assert httpx.get(link.replace("/documents/d1.md", "/v1/models")).status_code == 401


def test_a_signature_holds_for_its_path_and_its_time():
    query = signed(b"secret", "/documents/a", clock=lambda: 1000.0).removeprefix("?")
    assert opens(b"secret", "/documents/a", query, clock=lambda: 2000.0)
    assert not opens(b"secret", "/documents/a", query, clock=lambda: 1e8)
    assert not opens(b"secret", "/documents/b", query, clock=lambda: 2000.0)
    assert not opens(b"other", "/documents/a", query, clock=lambda: 2000.0)
    assert not opens(b"secret", "/documents/a", query.replace("expires=", "expires=9"), clock=lambda: 2000.0)
    assert not opens(b"", "/documents/a", "", clock=lambda: 2000.0)
    assert signed(b"", "/documents/a") == ""
