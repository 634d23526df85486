"""Makes many pieces of the models, in as many processes as there are cores to use.

What comes out is what one process makes, in the same order. A piece that another process failed to
make is made here, so that what is wrong with it is said here.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from signal import SIG_IGN, SIGINT, signal

from .model_pieces import Piece
from .model_statements import Pieced

Make = Callable[[Piece], Pieced]

# Each takes memory of its own.
_MOST_PROCESSES = 4
# For fewer, a process takes longer to begin than it saves.
_PIECES_A_PROCESS = 4
# The library takes most of its circles apart, so there is little garbage for the time it takes.
_OBJECTS_BETWEEN_COLLECTIONS = 400_000
_WIDTH = 4
# A pipe holds so many numbers at least before a reader takes one.
_MOST_SHARED = 4096 // _WIDTH


def made_of(pieces: Sequence[Piece], make: Make, cores: int | None = None) -> list[Pieced]:
    """What `make` gives of each piece. `cores` is how many to use, those that there are if None."""
    # What it loads for the first is there for all: other processes begin as copies of this one.
    made = {index: make(piece) for index, piece in enumerate(pieces[:1])}
    processes = min(cores or _cores(), _MOST_PROCESSES, len(pieces) // _PIECES_A_PROCESS)

    def make_tidily(piece: Piece) -> Pieced:
        _collect_garbage()
        return make(piece)

    with _collected_between_pieces():
        if processes > 1:
            made |= _made_together(pieces, make_tidily, processes)
        left = [index for index in range(len(pieces)) if index not in made]
        made |= {index: make_tidily(pieces[index]) for index in left}
    return [made[index] for index in range(len(pieces))]


@contextmanager
def _collected_between_pieces() -> Iterator[None]:
    """Garbage isn't looked for while a piece is made, and never in what there is already.

    That would write to every object there is, and so copy its page in each process.
    """
    was_on = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


def _collect_garbage() -> None:
    """If there may be much of it: the first count is of objects made since the last time."""
    if gc.get_count()[0] > _OBJECTS_BETWEEN_COLLECTIONS:
        gc.collect()


def _cores() -> int:
    """One where a process can't safely begin as a copy of another."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def _made_together(pieces: Sequence[Piece], make: Make, processes: int) -> dict[int, Pieced]:
    todo = _numbers(range(1, min(len(pieces), _MOST_SHARED)))
    others: list[tuple[BaseProcess, Connection]] = []
    try:
        others += [_begun(pieces, make, todo) for _ in range(processes - 1)]
        made = _taken(pieces, make, todo)
        for _, results in others:
            # One that ended early sends none: its pieces are among those still to be made.
            with suppress(EOFError):
                made |= results.recv()
        return made
    finally:
        os.close(todo)
        for process, results in others:
            results.close()
            process.terminate()
            process.join()


def _numbers(numbers: Sequence[int]) -> int:
    """The end of a pipe of which each read, by whatever process, gives another number."""
    todo, begin = os.pipe()
    os.write(begin, b"".join(number.to_bytes(_WIDTH, "big") for number in numbers))
    os.close(begin)
    return todo


def _taken(pieces: Sequence[Piece], make: Make, todo: int) -> dict[int, Pieced]:
    made = {}
    began_this = parent_process()
    while number := os.read(todo, _WIDTH):
        index = int.from_bytes(number, "big")
        made[index] = make(pieces[index])
        # Nobody waits for what a killed command had begun.
        if began_this is not None and not began_this.is_alive():
            break
    return made


def _begun(pieces: Sequence[Piece], make: Make, todo: int) -> tuple[BaseProcess, Connection]:
    context = get_context("fork")
    results, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(pieces, make, todo, sender), daemon=True)
    process.start()
    sender.close()
    return process, results


def _work(pieces: Sequence[Piece], make: Make, todo: int, sender: Connection) -> None:
    # Whoever interrupts the command means the process that began this one, which ends it.
    signal(SIGINT, SIG_IGN)
    # What fails here is said where the piece is made again.
    with suppress(Exception):
        sender.send(_taken(pieces, make, todo))
