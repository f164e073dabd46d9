"""Runs a piece of a document as it is written, `await` at its top included: run_snippet.py SNIPPET PRELUDE IMAGE."""

import ast
import asyncio
import inspect
import sys
from pathlib import Path


async def run(code: str, names: dict[str, object]) -> None:
    compiled = compile(code, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    ended = eval(compiled, names)
    if inspect.isawaitable(ended):
        await ended


async def main(snippet: str, prelude: str, image: str) -> None:
    names: dict[str, object] = {"image_bytes": Path(image).read_bytes()}
    await run(prelude, names)
    await run(snippet, names)


asyncio.run(main(*sys.argv[1:]))
