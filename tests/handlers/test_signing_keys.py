"""`get_signing_keys`: the public keys, for anyone, and nothing of the private one."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from db import access
from db.session import Database
from handlers.signing import Signing
from policies.published_keys import PublishedKey, read_keys
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.service import SIGNING, running_service

_PATH = "/.well-known/collector-keys.json"


def test_current_key_is_told_to_anyone_in_a_form_that_is_read_back(anyone: Client) -> None:
    answer = anyone.get(_PATH)
    assert answer.status == 200
    assert read_keys(answer.content) == SIGNING.published
    assert anyone.get(_PATH, headers={"If-None-Match": answer.etag}).status == 304


def test_retired_keys_stay_listed_and_a_service_without_a_key_lists_none(
    own_database: TestDatabase,
) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    retired = PublishedKey(Ed25519PrivateKey.generate().public_key(), None, noon)
    with running_service(
        Database(own_database.url(access.APP)), signing=Signing(None, (retired,))
    ) as service:
        listed = Client(service).get(_PATH).json["keys"]
    assert [(key["kid"], key["status"], key["valid_until"]) for key in listed] == [
        (retired.key_id, "retired", "2026-11-20T12:00:00Z")
    ]
    with running_service(Database(own_database.url(access.APP)), signing=Signing(None)) as service:
        assert Client(service).get(_PATH).json == {"keys": []}
