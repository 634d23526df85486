"""The register of keys is never behind the reports, whoever writes while a key is taken off."""

import uuid
from collections.abc import Iterator

import pytest

from db import access, errors
from db.ids import TenantId
from db.key_uses import (
    KeyIdentity,
    begin_emptying,
    finish_emptying,
    register_key,
    registered_keys,
    writers_at_work,
)
from db.reports import NewReport, SealedRaw, insert_report
from db.session import Database
from db.transaction import Transaction
from tests.db.samples import new_report
from tests.support.database import TestDatabase
from tests.support.service import KEYRING

_OLD, _NEW = KeyIdentity("old", bytes(32)), KeyIdentity("new", bytes(31) + b"n")
_TENANT = TenantId("a")


@pytest.fixture
def writing(own_database: TestDatabase) -> Iterator[Database]:
    database = Database(own_database.url(access.APP))
    yield database
    database.close()


@pytest.fixture
def maintenance(own_database: TestDatabase) -> Iterator[Database]:
    database = Database(own_database.url(access.MAINTENANCE))
    yield database
    database.close()


def _sealed(key: KeyIdentity) -> NewReport:
    return new_report()._replace(raw=SealedRaw(key, bytes(40)))


def _write(tx: Transaction, key: KeyIdentity) -> None:
    insert_report(tx, _sealed(key))


def _registered(database: Database) -> dict[str, bool]:
    with database.system_transaction(read_only=True) as tx:
        return {key.identity.kid: key.in_use for key in registered_keys(tx)}


def _begin(database: Database, run: uuid.UUID) -> list[str]:
    with database.system_transaction() as tx:
        return begin_emptying(tx, _NEW.kid, run)


def _writers(database: Database) -> set[str]:
    with database.system_transaction(read_only=True) as tx:
        return writers_at_work(tx)


def _finish(database: Database, run: uuid.UUID) -> list[str]:
    with database.system_transaction() as tx:
        return finish_emptying(tx, [_OLD.kid, _NEW.kid], run)


def test_storing_something_sealed_registers_its_key_once(writing: Database) -> None:
    assert _registered(writing) == {}
    for key in (_OLD, _NEW, _OLD):
        with writing.tenant_transaction(_TENANT) as tx:
            _write(tx, key)
    assert _registered(writing) == {"new": True, "old": True}


def test_what_is_rolled_back_registers_nothing(writing: Database) -> None:
    with pytest.raises(errors.ConstraintViolated), writing.tenant_transaction(_TENANT) as tx:
        _write(tx, KeyIdentity("old", b"no check value"))
    assert _registered(writing) == {}


def test_a_key_registered_with_another_check_value_keeps_the_first(writing: Database) -> None:
    with writing.system_transaction() as tx:
        register_key(tx, _OLD)
        register_key(tx, KeyIdentity("old", bytes(31) + b"x"))
        assert [key.identity for key in registered_keys(tx)] == [_OLD]


def test_whoever_relied_on_an_entry_is_among_the_writers_until_it_ends(
    writing: Database, maintenance: Database
) -> None:
    with writing.tenant_transaction(_TENANT) as tx:
        _write(tx, _OLD)
    run = uuid.uuid4()
    with writing.tenant_transaction(_TENANT) as tx:
        _write(tx, _OLD)
        # Nobody waits: neither this for the writer, nor other writers for this.
        assert _begin(maintenance, run) == ["old"]
        [relying] = _writers(maintenance)
        with writing.tenant_transaction(_TENANT) as another:
            _write(another, _OLD)
            assert len(_writers(maintenance)) == 2
        assert _writers(maintenance) == {relying}
    assert _writers(maintenance) == set()
    assert _finish(maintenance, run) == ["old"]
    assert _registered(writing) == {"old": True}


def test_who_only_reads_is_no_writer(writing: Database, maintenance: Database) -> None:
    with writing.tenant_transaction(_TENANT) as tx:
        registered_keys(tx)
        insert_report(tx, new_report())
        assert _writers(maintenance) == set()


def test_writers_of_other_databases_are_not_counted(
    writing: Database, maintenance: Database, shared_database: TestDatabase
) -> None:
    elsewhere = Database(shared_database.url(access.APP))
    with elsewhere.tenant_transaction(_TENANT) as tx:
        register_key(tx, KEYRING.newest)
        assert _writers(maintenance) == set()
    elsewhere.close()


def test_a_transaction_that_began_before_the_emptying_and_writes_after_registers_anew(
    writing: Database, maintenance: Database
) -> None:
    run = uuid.uuid4()
    with writing.tenant_transaction(_TENANT) as tx:
        _write(tx, _OLD)
    with writing.tenant_transaction(_TENANT) as tx:
        tx.rows("SELECT count(*) FROM reports")
        assert _begin(maintenance, run) == ["old"]
        _write(tx, _OLD)
    assert _finish(maintenance, run) == ["old"]
    assert _registered(writing) == {"old": True}


def test_a_later_run_takes_over_and_the_earlier_one_takes_nothing_off(
    writing: Database, maintenance: Database
) -> None:
    earlier, later = uuid.uuid4(), uuid.uuid4()
    with writing.tenant_transaction(_TENANT) as tx:
        _write(tx, _OLD)
    assert _begin(maintenance, earlier) == ["old"]
    with writing.tenant_transaction(_TENANT) as tx:
        _write(tx, _OLD)
    assert _begin(maintenance, later) == ["old"]
    assert _finish(maintenance, earlier) == []
    assert _registered(writing) == {"old": False}
    assert _finish(maintenance, later) == ["old"]


def test_the_newest_key_stays_as_it_is(writing: Database, maintenance: Database) -> None:
    with writing.tenant_transaction(_TENANT) as tx:
        _write(tx, _NEW)
    assert _begin(maintenance, uuid.uuid4()) == []
    assert _registered(writing) == {"new": True}
