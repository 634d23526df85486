"""Texts that redaction must take out: they look like secrets and are none."""

from typing import Final

SENT_SECRETS: Final = (
    "ghp_" + "7Qw2Zr9Xk4Lm8Np3Vt6Yb1Hd5Js0GcFaUeWo",
    "https://robot:Zk8vQ2nL5xR7@git.example/repository",
)
