"""A large contract that others published: generated, imported, and served with stub handlers."""

import gzip
from collections.abc import Iterator

import httpx
import pytest

from .conftest import HERE, generated, serving

CHANNEL = "/channels/1"


@pytest.fixture(scope="module")
def discord(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """242 operations; those that send messages take JSON, urlencoded and multipart."""
    folder = tmp_path_factory.mktemp("public")
    spec = folder / "discord.json"
    spec.write_bytes(gzip.decompress((HERE / "contracts" / "discord.json.gz").read_bytes()))
    generated(spec, folder / "discord")
    with serving(folder, str(HERE / "stub_service.py"), "discord") as client:
        client.headers["Authorization"] = "Bot a"
        yield client


def told(answer: httpx.Response) -> str:
    """What a stub was called with: the types of its arguments."""
    assert answer.status_code == 501, answer.text
    return str(answer.json()["detail"])


def test_every_media_type_of_an_operation_arrives_as_its_model(discord: httpx.Client) -> None:
    path = f"{CHANNEL}/messages"
    expected = "create_message(channel_id: str, body: {}, content_type: str)"
    as_json = discord.post(path, json={"content": "a"})
    assert told(as_json) == expected.format("MessageCreateRequest")
    form = discord.post(path, data={"content": "a", "tts": "true", "embeds": '{"title":"b"}'})
    assert told(form) == expected.format("MessageCreateRequest")
    parts = discord.post(path, data={"content": "a"}, files={"files[0]": ("a.png", b"\x89PNG")})
    assert told(parts) == expected.format("CreateMessageMultipart")


def test_wrong_bodies_of_each_media_type_are_refused(discord: httpx.Client) -> None:
    path = f"{CHANNEL}/messages"
    for answer in (
        discord.post(path, json={"tts": "yes"}),
        discord.post(path, data={"tts": "yes"}),
        discord.post(path, data={"tts": "yes"}, files={"files[0]": b"a"}),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "/tts"
    assert discord.post(path, content=b"a", headers={"Content-Type": "a/b"}).status_code == 415


def test_parameters_and_credentials_arrive(discord: httpx.Client) -> None:
    listed = discord.get(f"{CHANNEL}/messages?limit=5")
    assert "limit: int" in told(listed)
    assert discord.get(f"{CHANNEL}/messages?limit=x").status_code == 422
    bare = httpx.get(f"{discord.base_url}{CHANNEL}/messages", timeout=20)
    assert bare.status_code == 401
