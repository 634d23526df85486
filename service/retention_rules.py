"""The rules of retention, of the settings and of the file that they name."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from policies.retention_rules import RetentionRules, RetentionRulesError, load_retention_rules
from service.settings import Settings, SettingsError

_OWN: Final = "retention.yaml"


def configured_retention(settings: Settings) -> RetentionRules:
    """Raises SettingsError that names each mistake by file and line."""
    own = files("policies").joinpath(_OWN)
    path = settings.retention_policy
    try:
        text = (own if path is None else path).read_text(encoding="utf-8")
        return load_retention_rules(text, str(path or Path("policies", _OWN)), settings.retain_days)
    except RetentionRulesError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(
            f"RETENTION_POLICY: can't read the file: {error.strerror or type(error).__name__}"
        ) from error
    except UnicodeDecodeError:
        raise SettingsError("RETENTION_POLICY: the file is not UTF-8 text") from None
