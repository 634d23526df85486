#!/bin/sh
# The smoke with the project's own Python, from wherever it is called. See --help.
here=$(cd "$(dirname "$0")/.." && pwd)
python="$here/.venv/bin/python"
if [ ! -x "$python" ]; then
  # An installed image has no .venv, only a Python with the packages.
  python=python3
fi
exec "$python" "$here/scripts/smoke" "$@"
