"""Secrets made up at random by what their issuers say of their form, not by our patterns."""

import base64
import json
import random
import string
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

Maker = Callable[[random.Random], str]

_MIXED: Final = string.ascii_letters + string.digits
_URL: Final = _MIXED + "-_"
_HEX: Final = "0123456789abcdef"
_UPPER: Final = string.ascii_uppercase + string.digits
_BASE32: Final = string.ascii_uppercase + "234567"


def _of(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda dice: "".join(dice.choices(alphabet, k=length))


def _after(prefix: str, alphabet: str, length: int, suffix: str = "") -> Maker:
    return lambda dice: prefix + _of(alphabet, length)(dice) + suffix


def _joined(separator: str, *makers: Maker) -> Maker:
    return lambda dice: separator.join(maker(dice) for maker in makers)


def _jwt(dice: random.Random) -> str:
    parts = [{"alg": "RS256", "typ": "JWT"}, {"sub": _of(_MIXED, 8)(dice), "iat": 1763625600}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(each.rstrip("=") for each in encoded), _of(_URL, 86)(dice)])


def _pem(kind: str) -> Maker:
    def made(dice: random.Random) -> str:
        body = "\n".join(_of(_MIXED + "+/", 64)(dice) for _ in range(6))
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"

    return made


def _password(dice: random.Random) -> str:
    letters = _of(string.ascii_letters, 8)(dice)
    return letters + _of(string.digits, 2)(dice) + dice.choice("!@#%^*?")


def _basic(dice: random.Random) -> str:
    return base64.b64encode(f"ci:{_password(dice)}".encode()).decode()


def _email(dice: random.Random) -> str:
    names = _joined(dice.choice([".", "_", "-", ""]), _of(string.ascii_lowercase, 5), _of(_HEX, 3))
    host = _of(string.ascii_lowercase, 7)(dice)
    return f"{names(dice)}@{host}.{dice.choice(['com', 'co.kr', 'io', 'dev', 'example.org'])}"


def _card(dice: random.Random) -> str:
    prefix, length = dice.choice([("4", 16), ("53", 16), ("2221", 16), ("37", 15), ("6011", 16)])
    body = prefix + _of(string.digits, length - len(prefix) - 1)(dice)
    doubled = [int(each) * (2 if at % 2 == 0 else 1) for at, each in enumerate(reversed(body))]
    digits = body + str(-sum(each - 9 if each > 9 else each for each in doubled) % 10)
    groups = [4, 6, 5] if length == 15 else [4, 4, 4, 4]
    separator = dice.choice(["", " ", "-"])
    pieces, at = [], 0
    for group in groups:
        pieces.append(digits[at : at + group])
        at += group
    return separator.join(pieces)


def _resident(dice: random.Random) -> str:
    born = date(1940, 1, 1) + timedelta(days=dice.randrange(31_000))
    sex = dice.choice("1256" if born.year < 2000 else "3478")
    return f"{born:%y%m%d}-{sex}{_of(string.digits, 6)(dice)}"


def _korean_mobile(dice: random.Random) -> str:
    middle = dice.choice("23456789") + _of(string.digits, 3)(dice)
    last = _of(string.digits, 4)(dice)
    layout = dice.choice(["010-{}-{}", "010{}{}", "+82 10 {} {}", "+82-10-{}-{}", "010.{}.{}"])
    return layout.format(middle, last)


def _iban(dice: random.Random) -> str:
    body = _of(string.digits, 18)(dice)
    check = 98 - int(body + "131400") % 97
    return f"DE{check:02}{body}"


def _phone(dice: random.Random) -> str:
    digits = _of("23456789", 1)(dice) + _of(string.digits, 2)(dice)
    middle = dice.choice("23456789") + _of(string.digits, 2)(dice)
    last = _of(string.digits, 4)(dice)
    layout = dice.choice(["({}) {}-{}", "{}-{}-{}", "+1 {} {} {}", "+1{}{}{}"])
    return layout.format(digits, middle, last)


PROVIDERS: Final[dict[str, Maker]] = {
    "AWS access key id": _after("AKIA", _BASE32, 16),
    "AWS session key id": _after("ASIA", _BASE32, 16),
    "Google API key": _after("AIza", _URL, 35),
    "Google OAuth client secret": _after("GOCSPX-", _URL, 28),
    "Google access token": _after("ya29.", _URL, 120),
    "Microsoft Entra client secret": _joined("8Q~", _of(_MIXED, 3), _of(_MIXED, 34)),
    "Azure DevOps token": _joined(
        "", _of(_MIXED, 52), _after("JQQJ99", _UPPER, 12), _after("AZDO", _MIXED, 4)
    ),
    "DigitalOcean token": _after("dop_v1_", _HEX, 64),
    "Databricks token": _after("dapi", _HEX, 32),
    "GitHub token": _after("ghp_", _MIXED, 36),
    "GitHub app token": _after("ghs_", _MIXED, 36),
    "GitHub fine-grained token": _joined("_", _after("github_pat_", _MIXED, 22), _of(_MIXED, 59)),
    "GitLab token": _after("glpat-", _URL, 20),
    "GitLab job token": _after("glcbt-64_", _URL, 20),
    "Atlassian token": _after("ATATT3xFfGF0", _URL, 180),
    "npm token": _after("npm_", _MIXED, 36),
    "PyPI token": _after("pypi-AgEIcHlwaS5vcmc", _URL, 130),
    "RubyGems key": _after("rubygems_", _HEX, 48),
    "NuGet key": _after("oy2", string.ascii_lowercase + string.digits, 43),
    "crates.io token": _after("cio", _MIXED, 32),
    "Docker Hub token": _after("dckr_pat_", _URL, 27),
    "CircleCI token": _joined("_", _after("CCIPAT_", _MIXED, 22), _of(_HEX, 40)),
    "Pulumi token": _after("pul-", _HEX, 40),
    "Terraform Cloud token": _joined(".atlasv1.", _of(_MIXED, 14), _of(_MIXED, 67)),
    "SonarQube token": _after("squ_", _HEX, 40),
    "Vault token": _after("hvs.", _URL, 95),
    "Slack bot token": _joined(
        "-", _after("xoxb-", string.digits, 12), _of(string.digits, 13), _of(_MIXED, 24)
    ),
    "Slack webhook": _joined(
        "/",
        _after("https://hooks.slack.com/services/T", _UPPER, 10),
        _after("B", _UPPER, 10),
        _of(_MIXED, 24),
    ),
    "Discord bot token": _joined(".", _after("MT", _URL, 24), _of(_URL, 6), _of(_URL, 38)),
    "Discord webhook": _joined(
        "/", _after("https://discord.com/api/webhooks/", string.digits, 19), _of(_URL, 68)
    ),
    "Telegram bot token": _joined(":", _of("123456789", 10), _after("AA", _URL, 33)),
    "SendGrid key": _joined(".", _after("SG.", _URL, 22), _of(_URL, 43)),
    "Mailgun key": _after("key-", _HEX, 32),
    "Mailchimp key": _after("", _HEX, 32, "-us14"),
    "Twilio key": _after("SK", _HEX, 32),
    "Stripe key": _after("sk_live_", _MIXED, 24),
    "Shopify token": _after("shpat_", _HEX, 32),
    "Square token": _after("sq0atp-", _URL, 22),
    "OpenAI key": _joined("T3BlbkFJ", _after("sk-proj-", _URL, 74), _of(_URL, 74)),
    "Anthropic key": _after("sk-ant-api03-", _URL, 93, "AA"),
    "Hugging Face token": _after("hf_", string.ascii_letters, 34),
    "Grafana token": _joined("_", _after("glsa_", _MIXED, 32), _of(_HEX, 8)),
    "New Relic key": _after("NRAK-", _UPPER, 27),
    "Sentry token": _after("sntryu_", _HEX, 64),
    "Linear key": _after("lin_api_", _MIXED, 40),
    "Notion token": _after("ntn_", _MIXED, 46),
    "Postman key": _joined("-", _after("PMAK-", _HEX, 24), _of(_HEX, 34)),
    "JSON Web Token": _jwt,
    "RSA private key": _pem("RSA "),
    "OpenSSH private key": _pem("OPENSSH "),
    "PKCS #8 private key": _pem(""),
}
"""Found wherever they stand."""

NAMED: Final[dict[str, tuple[str, Maker]]] = {
    "AWS secret access key": ("AWS_SECRET_ACCESS_KEY={}", _of(_MIXED + "/+", 40)),
    "Azure storage key": (
        "DefaultEndpointsProtocol=https;AccountName=qc;AccountKey={}",
        _after("", _MIXED + "+/", 86, "=="),
    ),
    "PagerDuty key": ("PAGERDUTY_INTEGRATION_KEY={}", _of(_HEX, 32)),
    "password, shell": ("export DB_PASSWORD={}", _password),
    "password, JSON in a text": ('{{"user": "ci", "password": "{}"}}', _password),
    "password, option": ("mysql --user=ci --password={} shop", _password),
    "password, YAML": ("  password: {}", _password),
    "key, header": ("> X-Api-Key: {}", _of(_MIXED, 32)),
    "secret, variable": ("CLIENT_SECRET='{}'", _of(_URL, 40)),
    "token, hexadecimal": ("token: {}", _of(_HEX, 40)),
    "bearer token": ("curl -H 'Authorization: Bearer {}'", _of(_URL, 32)),
    "basic credentials": ("Authorization: Basic {}", _basic),
    "URL credentials": ("git clone https://ci:{}@git.example/a.git", _of(_MIXED, 16)),
    "database URL": ("postgresql://app:{}@db.example:5432/qc", _of(_MIXED, 12)),
    "URL parameter": ("GET https://api.example/v1?access_token={}&x=1", _of(_MIXED, 24)),
    "signed URL": ("https://x.blob.core.windows.net/a?sv=2024&sig={}", _of(_MIXED, 43)),
    "cookie": ("Cookie: session={}; theme=dark", _of(_MIXED, 32)),
}
"""Known by what stands before them."""

PEOPLE: Final[dict[str, Maker]] = {
    "e-mail address": _email,
    "payment card": _card,
    "Korean resident number": _resident,
    "Korean mobile number": _korean_mobile,
    "telephone, North America": _phone,
    "IBAN": _iban,
}

AROUND: Final = ("{}", "failed for {}", "Error: ({}), see log", "- `{}`\n- next", "값은 {}입니다")
"""Where a secret stands in a report's text."""
