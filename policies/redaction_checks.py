"""Tests that a hit of a redaction rule must pass, where a pattern alone would hit too much.

Each takes the text that would be replaced. None of them may fail for any text.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date
from itertools import pairwise
from types import MappingProxyType
from typing import Final

Check = Callable[[str], bool]

_PLACEHOLDER: Final = re.compile(
    r"[$%<{(@*…]|(?:x{3}|\.{3}|-{3}|#{3}|_{3})|your|changeme\b|example\b", re.IGNORECASE
)
_BASE64_LINE: Final = re.compile(r"[A-Za-z0-9+/=]{16}")
_DOTTED_NAME: Final = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+")
_PATH_START: Final = ("/", "./", "../", "~/", "\\")
_SYMBOLS: Final = frozenset("!@#%^&*?+~$")
_WORDS: Final = (
    "absent changed configured default disabled enabled error expired failed failure hidden "
    "incorrect invalid masked missing optional pass passed passwd password present pwd redacted "
    "required secret skipped string success unchanged undefined unknown unset updated warning"
)
_NOT_PASSWORDS: Final = frozenset(_WORDS.split())
_NO_MAILBOX: Final = frozenset(("git", "hg", "svn"))
# Names of algorithms end so (RFC 4251, 6).
_NO_MAIL_DOMAINS: Final = frozenset(("openssh.com", "libssh.org"))
# What stands after the last dot of file names, packages and hosts that no mail reaches.
_ENDINGS: Final = (
    "bmp bz2 cfg cluster cmake conf cpp css csv device dll exe gif gz header html ini insert "
    "internal ico jar java jpeg jpg js json jsx lan local localdomain localhost log lock lst "
    "map md mjs mount offset pdf php png po pot ps ps1 pyc pyi rb rs scss service slice sock "
    "socket svc svg swap tar target tgz timer toml ts tsx txt vue webp xml xz yaml yml zip"
)
_NO_TOP_DOMAINS: Final = frozenset(_ENDINGS.split())
_LUHN_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_CARD_GROUPS: Final = re.compile(
    r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}"
)
_KNOWN_CARD: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|62\d{14,17}"
)
_RESIDENT_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_TURNS: Final = 4


def not_placeholder(text: str) -> bool:
    """Whether it isn't a variable, a mask, or a word that stands for a value."""
    return not _PLACEHOLDER.match(text)


def no_plain_word(text: str) -> bool:
    """Whether it neither stands for a value nor is a word for a password, or for how one is."""
    return not_placeholder(text) and text.lower() not in _NOT_PASSWORDS


def pem_body(text: str) -> bool:
    """Whether there is a line of Base64 between the first and the last line of a PEM block."""
    return _BASE64_LINE.search(text) is not None


def password(text: str) -> bool:
    """Whether it looks like a password among code and prose: with a digit or a symbol in it."""
    if len(text) < 6 or not not_placeholder(text) or text.startswith(_PATH_START):
        return False
    if _DOTTED_NAME.fullmatch(text):
        return False
    return any(each.isdigit() or each in _SYMBOLS for each in text)


def credential(text: str) -> bool:
    """Whether it looks like what a header carries: a password, or long and made by a machine."""
    if _DOTTED_NAME.fullmatch(text) or not not_placeholder(text):
        return False
    return password(text) or (len(text) >= 20 and _turns(text) >= 2 * _TURNS)


def password_member(text: str) -> bool:
    """Whether the value of a member named as a password can be one: a single word of no report."""
    if len(text) < 6 or not not_placeholder(text) or text.startswith(_PATH_START):
        return False
    return no_plain_word(text) and not any(each.isspace() for each in text)


def random(text: str) -> bool:
    """Whether it looks like made by a machine: letters and digits, or cases, in turns."""
    if len(text) < 16 or not not_placeholder(text) or _DOTTED_NAME.fullmatch(text):
        return False
    return _turns(text) >= _TURNS and any(map(str.isdigit, text))


def _turns(text: str) -> int:
    """How often letters, capitals and digits take turns."""
    return sum(a != b for a, b in pairwise(map(_kind, text)) if a and b)


def _kind(character: str) -> str:
    if not character.isascii() or not character.isalnum():
        return ""
    if character.isdigit():
        return "digit"
    return "upper" if character.isupper() else "lower"


def url_credentials(text: str) -> bool:
    """Whether user and password of a URL are more than names of variables."""
    user, _, secret = text.partition(":")
    return not_placeholder(user or secret) and no_plain_word(secret)


def basic_credentials(text: str) -> bool:
    """Whether it is `user:password` in Base64, as RFC 7617 has it."""
    try:
        decoded = b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in decoded and decoded.isprintable()


def email(text: str) -> bool:
    """Whether mail could reach it: no file, no host of its own net, no user of a repository."""
    local, _, domain = text.rpartition("@")
    if local in _NO_MAILBOX or domain in _NO_MAIL_DOMAINS:
        return False
    return domain.rpartition(".")[2].lower() not in _NO_TOP_DOMAINS


def card(text: str) -> bool:
    """Whether it is of a known issuer, grouped as on a card or not at all, and right by Luhn."""
    if not _CARD_GROUPS.fullmatch(text):
        return False
    digits = _digits(text)
    # Cards of Korea alone begin with 9 too; without hyphens that is any number.
    is_known = _KNOWN_CARD.fullmatch(digits) or ("-" in text and digits.startswith("9"))
    if not is_known or not 13 <= len(digits) <= 19:
        return False
    total = sum(
        _LUHN_DOUBLED[int(each)] if place % 2 else int(each)
        for place, each in enumerate(reversed(digits))
    )
    return total % 10 == 0 and len(set(digits)) > 1


def korean_resident_number(text: str) -> bool:
    """Whether the date is one; without a hyphen also whether the check digit is right.

    Numbers given out since October 2020 have no check digit, so a hyphenated one may have any.
    Thirteen digits in a row that begin like milliseconds since 1970 (2001 to 2039) are none.
    """
    digits = _digits(text)
    century = "19" if digits[6] in "1256" else "20"
    try:
        date.fromisoformat(f"{century}{digits[:2]}-{digits[2:4]}-{digits[4:6]}")
    except ValueError:
        return False
    if len(text) > len(digits):
        return True
    if "10" <= digits[:2] <= "21":
        return False
    total = sum(weight * int(each) for weight, each in zip(_RESIDENT_WEIGHTS, digits, strict=False))
    expected = (11 - total % 11) % 10
    # Foreigners' numbers are two further on.
    foreign = (expected + 2) % 10 if digits[6] in "5678" else expected
    return int(digits[12]) in (expected, foreign)


def us_social_security_number(text: str) -> bool:
    """Whether area, group and serial are ones that are given out."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and group != "00" and serial != "0000"


def iban(text: str) -> bool:
    """Whether the remainder by 97 is one (ISO 13616)."""
    plain = text.replace(" ", "")
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(each, 36)) for each in moved)) % 97 == 1


def phone(text: str) -> bool:
    """Whether there are as many digits as a number has; bare ones only of Korean mobiles."""
    digits = _digits(text)
    if text == digits:
        # 010 is the one prefix left for mobiles, and no number in it begins with 0 or 1.
        return len(digits) == 11 and digits.startswith("010") and digits[3] in "23456789"
    return 8 <= len(digits) <= 15 and len(set(digits)) > 2


def person_number(text: str) -> bool:
    """Whether it is a number of that length and nothing else."""
    digits = _digits(text)
    rest = set(text) - set(digits)
    return 8 <= len(digits) <= 19 and rest <= set(" +-().")


def _digits(text: str) -> str:
    return "".join(each for each in text if each in "0123456789")


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "basic-credentials": basic_credentials,
        "card": card,
        "credential": credential,
        "email": email,
        "iban": iban,
        "korean-resident-number": korean_resident_number,
        "no-plain-word": no_plain_word,
        "not-placeholder": not_placeholder,
        "password": password,
        "password-member": password_member,
        "pem-body": pem_body,
        "person-number": person_number,
        "phone": phone,
        "random": random,
        "url-credentials": url_credentials,
        "us-social-security-number": us_social_security_number,
    }
)
