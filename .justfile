# `just --list` shows the recipes; each is one line, so `just` itself is not needed.

# Set up everything in .venv
setup:
    python3 -m venv .venv && .venv/bin/pip install -q -c .ci/constraints.txt -e '.[test]'

# Write the story that comes with Talewright
write *ARGS:
    .venv/bin/talewright write {{ARGS}}

# Run the tests
test *ARGS:
    .venv/bin/pytest {{ARGS}}

# Lint, format and types
check:
    .venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

# What the project's CI runs
ci:
    .ci/run
