"""What XML is refused before a translator looks at it, and which encodings are read."""

import pytest

from formats.errors import TranslationError
from formats.xml_input import MAX_DEPTH, MAX_ELEMENTS, parse_elements, root_name


class Recorder:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.characters = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.heard.append(name + "".join(f" {key}={value}" for key, value in attributes.items()))

    def text(self, data: str) -> None:
        self.characters += data

    def end(self) -> None:
        self.heard.append("end")


def recorded(content: bytes) -> Recorder:
    recorder = Recorder()
    parse_elements(content, recorder)
    return recorder


def refusal(content: bytes) -> TranslationError:
    with pytest.raises(TranslationError) as raised:
        recorded(content)
    return raised.value


def test_elements_arrive_in_order_without_namespace_and_with_decoded_text() -> None:
    recorder = recorded(b'\n <a xmlns="urn:x" k="&lt;1"><b/>x<![CDATA[<&]]>&amp;&#228;</a>')
    assert recorder.heard == ["a k=<1", "b", "end", "end"]
    assert recorder.characters == "x<&&ä"


def test_empty_lines_before_the_declaration_are_skipped() -> None:
    assert recorded(b'\r\n <?xml version="1.0" encoding="latin1"?><a>\xe4</a>').characters == "ä"


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]><a>&y;</a>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]><a/>',
        '<!DOCTYPE a [<!ENTITY x "xx">]><a>&x;</a>'.encode("utf-16"),
    ],
)
def test_document_type_declaration_is_refused(content: bytes) -> None:
    assert "document type declaration" in refusal(content).detail


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&unknown;</a>",
        b"<a>&#0;</a>",
        b"<a>&#xD800;</a>",
        b"<a>\x00</a>",
        b"<a k='1' k='2'/>",
        b"<p:a/>",
        b"text",
    ],
)
def test_malformed_xml_is_refused_with_its_position_alone(content: bytes) -> None:
    detail = refusal(content).detail
    assert detail.startswith("The body isn't well-formed XML (line 1, column ")
    assert "unknown" not in detail


def test_depth_is_allowed_to_the_limit_and_refused_beyond() -> None:
    recorded(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH)
    error = refusal(b"<a>" * 1_000_000)
    assert (error.limit, error.actual) == (MAX_DEPTH, MAX_DEPTH + 1)


def test_siblings_do_not_add_to_the_depth() -> None:
    assert len(recorded(b"<a>" + b"<b/>" * 500 + b"</a>").heard) == 1_002


def test_number_of_elements_is_bounded() -> None:
    class Deaf:
        def start(self, name: str, attributes: dict[str, str]) -> None: ...

        def text(self, data: str) -> None: ...

        def end(self) -> None: ...

    parse_elements(b"<a>" + b"<b/>" * (MAX_ELEMENTS - 1) + b"</a>", Deaf())
    with pytest.raises(TranslationError) as raised:
        parse_elements(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", Deaf())
    assert raised.value.limit == MAX_ELEMENTS


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("ISO-8859-1", "latin-1"),
        ("iso-8859-15", "iso8859-15"),
        ("windows-1252", "cp1252"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("UTF-16BE", "utf-16-be"),
        ("utf-16", "utf-8"),
        ("windows-1252", "utf-8-sig"),
    ],
)
def test_text_is_read_in_the_encoding_its_bytes_are_in(declared: str, codec: str) -> None:
    xml = f'<?xml version="1.0" encoding="{declared}"?><a>äß</a>'
    assert recorded(xml.encode(codec)).characters == "äß"


@pytest.mark.parametrize(
    ("declared", "codec"), [("Shift_JIS", "shift_jis"), ("GBK", "gbk"), ("EUC-JP", "euc_jp")]
)
def test_encodings_of_several_bytes_a_character_are_read(declared: str, codec: str) -> None:
    xml = f"<?xml version='1.0' encoding='{declared}' standalone='yes'?><a>日本</a>"
    assert recorded(xml.encode(codec)).characters == "日本"


@pytest.mark.parametrize(
    "declared", ["unicode_escape", "idna", "rot13", "hex", "utf-7", "no-such-codec", "zlib"]
)
def test_encoding_that_is_no_text_encoding_of_the_web_is_refused(declared: str) -> None:
    detail = refusal(f'<?xml version="1.0" encoding="{declared}"?><a/>'.encode()).detail
    assert detail == "The XML declares an encoding that isn't supported. Use UTF-8."


@pytest.mark.parametrize(
    "content",
    [
        b"<a>\xff</a>",
        b"<a>\xed\xa0\x80</a>",
        b"\xff\xfe<\x00a\x00\x00\xd8/\x00>\x00",
        b'<?xml version="1.0" encoding="us-ascii"?><a>\xe4</a>',
    ],
)
def test_bytes_that_are_not_in_their_encoding_are_refused(content: bytes) -> None:
    assert "at byte" in refusal(content).detail


def test_root_name_needs_no_more_than_the_first_element() -> None:
    assert root_name(b"<!-- x --><p:a xmlns:p='urn:x'><broken") == "a"
    assert root_name(b"<!DOCTYPE a><a/>") is None
    assert root_name(b"{}") is None
