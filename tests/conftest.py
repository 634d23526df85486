"""Fixtures for every folder of tests: a real PostgreSQL, the service on top of it, a real S3."""

import os
import signal

from hypothesis import settings

from tests.support.api import anyone, callers, other_callers, service
from tests.support.database import (
    app,
    empty_database,
    migrated_template,
    other_tenant,
    own_database,
    postgres_server,
    shared_database,
    shared_maintenance,
    tenant,
)
from tests.support.s3 import s3

__all__ = [
    "anyone",
    "app",
    "callers",
    "empty_database",
    "migrated_template",
    "other_callers",
    "other_tenant",
    "own_database",
    "postgres_server",
    "s3",
    "service",
    "shared_database",
    "shared_maintenance",
    "tenant",
]

# What blocks a merge tries the same examples each time. HYPOTHESIS_PROFILE=default tries new ones.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell without job control starts what is in the background with SIGINT ignored, and the commands
# that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
