"""What the operations on notes mean."""

import httpx2


def test_note_that_was_left_can_be_read(client: httpx2.Client) -> None:
    added = client.post("/notes", json={"text": "Water the plants"})
    assert added.status_code == 201
    note = client.get(f"/notes/{added.json()['id']}")
    assert (note.status_code, note.json()) == (200, added.json())


def test_list_begins_with_the_newest(client: httpx2.Client) -> None:
    ids = [client.post("/notes", json={"text": text}).json()["id"] for text in ("one", "two")]
    listed = client.get("/notes", params={"limit": 2}).json()["items"]
    assert [note["id"] for note in listed] == ids[::-1]


def test_what_breaks_the_contract_is_a_problem(client: httpx2.Client) -> None:
    answer = client.post("/notes", json={"text": ""})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_note_that_is_not_there_is_a_404(client: httpx2.Client) -> None:
    assert client.get("/notes/999999999").status_code == 404


def test_note_that_was_taken_down_is_gone(client: httpx2.Client) -> None:
    note = client.post("/notes", json={"text": "Sold"}).json()
    assert client.delete(f"/notes/{note['id']}").status_code == 204
    assert client.get(f"/notes/{note['id']}").status_code == 404
    assert client.delete(f"/notes/{note['id']}").status_code == 404
