"""What the operations on notes do. Notes are kept in memory: a database would stand here."""

from itertools import count
from threading import Lock

from typing_extensions import override

from api.models import NewNote, Note, NoteList
from api.routes.notes import AddNote201, GetNote200, ListNotes200, NotesHandlers, RemoveNote204
from api.runtime.hooks import Call
from api.runtime.problems import not_found


class Notes(NotesHandlers[Call]):
    def __init__(self) -> None:
        self._notes: dict[int, Note] = {}
        self._ids = count(1)
        # Handlers run in several threads.
        self._lock = Lock()

    @override
    def list_notes(self, context: Call, /, *, limit: int = 20) -> ListNotes200:
        with self._lock:
            newest = list(self._notes.values())[-limit:]
        return ListNotes200(NoteList(items=newest[::-1]))

    @override
    def add_note(self, context: Call, /, *, body: NewNote) -> AddNote201:
        with self._lock:
            note = Note(id=next(self._ids), text=body.text)
            self._notes[note.id] = note
        return AddNote201(note)

    @override
    def get_note(self, context: Call, /, *, note_id: int) -> GetNote200:
        with self._lock:
            note = self._notes.get(note_id)
        if note is None:
            raise not_found()
        return GetNote200(note)

    @override
    def remove_note(self, context: Call, /, *, note_id: int) -> RemoveNote204:
        with self._lock:
            note = self._notes.pop(note_id, None)
        if note is None:
            raise not_found()
        return RemoveNote204()
