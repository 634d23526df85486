"""Pieces of the models come out the same from several processes, whatever becomes of those."""

import os
from collections.abc import Callable
from functools import cache
from multiprocessing import active_children

import pytest

from codegen.model_pieces import Piece, pieces_of
from codegen.model_processes import made_of
from codegen.model_statements import Pieced, Statement

_HERE = os.getpid()


@cache
def pieces() -> list[Piece]:
    names = [f"Thing{number}" for number in range(200)]
    models = {
        name: {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/{other}"}}}
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
    }
    return pieces_of(models)


def described(piece: Piece) -> Pieced:
    """What stands for a piece's text here is who made it, and of what."""
    statements = tuple(Statement(name, str(os.getpid()), (), ()) for name in piece.own)
    return Pieced(piece.own, (), statements, ())


def makers(made: list[Pieced]) -> set[str]:
    return {each.text for piece in made for each in piece.statements}


def test_pieces_are_made_by_several_processes_and_come_in_their_order() -> None:
    wanted = len(pieces()) - 1
    arrived, arrive = os.pipe()

    def after_another(piece: Piece) -> Pieced:
        # Here only when another process has made one, so that both have a part in it.
        if os.getpid() != _HERE:
            os.write(arrive, b"1")
        elif piece is not pieces()[0]:
            os.read(arrived, 1)
            os.write(arrive, b"1")
        return described(piece)

    made = made_of(pieces(), after_another, cores=2)
    assert wanted >= 8
    assert [each.own for each in made] == [each.own for each in pieces()]
    assert len(makers(made)) == 2


def test_one_core_makes_all_of_them_here() -> None:
    assert makers(made_of(pieces(), described, cores=1)) == {str(_HERE)}


def killed() -> None:
    os.kill(os.getpid(), 9)


def failed() -> None:
    raise ValueError("no memory")


@pytest.mark.parametrize("end", [killed, failed])
def test_what_a_process_that_ends_early_had_taken_is_made_here(end: Callable[[], None]) -> None:
    def make(piece: Piece) -> Pieced:
        if os.getpid() != _HERE:
            end()
        return described(piece)

    made = made_of(pieces(), make, cores=4)
    assert [each.own for each in made] == [each.own for each in pieces()]
    assert makers(made) == {str(_HERE)}


def test_what_is_wrong_with_a_piece_is_said_here_and_no_process_is_left() -> None:
    last = pieces()[-1]

    def make(piece: Piece) -> Pieced:
        if piece is last:
            raise ValueError("the last one is wrong")
        return described(piece)

    with pytest.raises(ValueError, match="the last one is wrong"):
        made_of(pieces(), make, cores=3)
    assert not active_children()
