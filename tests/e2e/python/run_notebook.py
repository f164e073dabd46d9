"""Runs a notebook in its own folder with this Python as its kernel; what a cell raises ends it: `run_notebook.py FILE`."""

import json
import os
import pathlib
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

path = pathlib.Path(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    kernel = pathlib.Path(folder, "kernels", "here")
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {"argv": command, "display_name": "here", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = folder
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_name="here", timeout=300, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
for cell in notebook.cells:
    for output in cell.get("outputs", ()):
        print(output.get("text") or output.get("data", {}).get("text/plain", ""))
