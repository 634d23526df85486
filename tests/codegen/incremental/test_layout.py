"""A file that is laid out in parts, some of them known, is what it is laid out as a whole."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.cache import FOLDER, Cache
from codegen.format import format_python

HEAD = '"""Things."""\n\nfrom typing import Any\nfrom ast import AST'
KINDS = (
    "class {name}(AST):\n    {name}: int=1\n    x: dict[str,Any]\n",
    "class {name}:\n\n    '''Two lines,\n\n\n    apart.'''\n    x = 1\n",
    "{name} = TypeAliasType('{name}', Annotated[str, Field(description='" + "long " * 20 + "')])",
    "{name} = list['Any']\n'''Prose\n# of lines.'''",
    "{name}.model_rebuild()",
)
PARTS = st.lists(
    st.builds(
        lambda kind, name: kind.format(name=name), st.sampled_from(KINDS), st.sampled_from("ABCD")
    ),
    min_size=1,
    max_size=8,
)


def laid_out(package: Path, parts: list[str]) -> str:
    """As a run does it that finds the cache of the one before, and leaves its own."""
    cache = Cache(package / FOLDER)
    first, *others = parts
    text = format_python({"a.py": (f"{HEAD}\n\n{first}", *others)}, cache)["a.py"]
    (package / "a.py").write_text(text)
    cache.save()
    return text


@settings(max_examples=20, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=3))
def test_parts_come_out_as_they_do_in_the_whole(runs: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        for parts in runs:
            whole = "\n\n\n".join([f"{HEAD}\n\n{parts[0]}", *parts[1:]])
            expected = format_python({"a.py": whole}, Cache())["a.py"]
            assert laid_out(Path(folder), parts) == expected


def test_part_that_stands_twice_is_there_twice() -> None:
    with TemporaryDirectory() as folder:
        for _ in range(2):
            text = laid_out(Path(folder), ["x = 1", "A.model_rebuild()", "A.model_rebuild()"])
            assert text.count("A.model_rebuild()") == 2


def test_file_that_somebody_changed_is_laid_out_anew() -> None:
    with TemporaryDirectory() as folder:
        parts = ["x  =  1", "class A: pass"]
        expected = laid_out(Path(folder), parts)
        (Path(folder) / "a.py").write_text(expected.replace("class A", "class B"))
        assert laid_out(Path(folder), parts) == expected
