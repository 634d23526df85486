"""Bodies that handlers give or get as bytes: each is a value of its media type's schema.

Of what has no schema, or stands for bytes that no rule here writes, they are any bytes.
"""

import json
import re
from typing import Any, Final
from urllib.parse import urlencode

from hypothesis import strategies as st

from bench.round_trips.sameness import same_json
from codegen.runtime.media_types import is_json, is_json_lines, is_urlencoded, media_type_of

ANY_BYTES: Final = st.binary(min_size=1, max_size=60)
_YAML = re.compile(r"(.*[+/](x-)?yaml)|text/vnd\.yaml")
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
ANY_JSON: Final = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def has_value(media_type: str) -> bool:
    """Whether a body of the type holds a value that a schema can describe."""
    return (
        is_json(media_type)
        or is_json_lines(media_type)
        or is_urlencoded(media_type)
        or media_type.startswith("text/")
        or _is_yaml(media_type)
    )


def written(media_type: str, value: Any) -> bytes:
    """The value as a body of the type, one that `has_value`."""
    if is_json_lines(media_type) and isinstance(value, list):
        return b"".join(json.dumps(one).encode() + b"\n" for one in value)
    if is_urlencoded(media_type) and isinstance(value, dict):
        return urlencode(
            {name: one if isinstance(one, str) else json.dumps(one) for name, one in value.items()}
        ).encode()
    is_text = media_type.startswith("text/") and not _is_yaml(media_type)
    if is_text and isinstance(value, str):
        return value.encode()
    # YAML 1.2 has JSON in it.
    return json.dumps(value).encode()


def same(sent: bytes, came: Any) -> bool:
    """Whether bytes came back as they went, or as the JSON that is in them."""
    if isinstance(came, bytes):
        return came == sent
    return same_json(json.loads(sent), came)


def _is_yaml(media_type: str) -> bool:
    return _YAML.fullmatch(media_type_of(media_type.encode("latin-1", "replace"))[0]) is not None
