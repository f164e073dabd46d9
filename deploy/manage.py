#!/usr/bin/env python3
"""Manages the models of a Triton or Nereid server: `uv run manage.py COMMAND` or `python manage.py COMMAND`.

Lies beside `models.toml`, `triton`, `triton-config` and `triton-disabled`, and runs `nereid manage COMMAND` on
them, whatever the current folder is. `manage.py --help` lists the commands.
"""

# /// script
# requires-python = ">=3.8"
# dependencies = []
# ///

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent


def nereid_command():
    """Gives the command that runs nereid, or None.

    $NEREID_COMMAND, else `nereid` of PATH, of a node_modules or of a checkout around this file, else npx.
    """
    given = os.environ.get("NEREID_COMMAND")
    if given:
        return shlex.split(given)
    found = shutil.which("nereid")
    if found:
        return [found]
    node = shutil.which("node")
    for folder in [BASE_DIR, *BASE_DIR.parents] if node else []:
        for script in (
            folder / "node_modules" / "@nereid" / "server" / "bin" / "nereid.js",
            folder / "packages" / "server" / "bin" / "nereid.js",
        ):
            if script.is_file():
                return [node, str(script)]
    npx = shutil.which("npx")
    return [npx, "--yes", "--package=@nereid/server", "nereid"] if npx else None


def main():
    command = nereid_command()
    if command is None:
        sys.exit("manage.py: needs nereid: install Node.js 20 or later, or name the command in NEREID_COMMAND")
    arguments = [*command, "manage", *sys.argv[1:]]
    environment = {"NEREID_BASE_DIR": str(BASE_DIR), **os.environ}
    if os.name == "posix":
        os.execvpe(arguments[0], arguments, environment)
    try:
        sys.exit(subprocess.run(arguments, env=environment).returncode)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
