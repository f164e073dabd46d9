"""Reads handwritten digits from PNG files with Triton's Python client.

    pip install 'tritonclient[http]' pillow
    python examples/clients/read_digits.py [--url localhost:8000] [FILE.png ...]

The server may also be named by TRITON_HTTP_URL.
"""

import argparse
import os
import pathlib

import numpy as np
import tritonclient.http as triton
from PIL import Image

INPUTS = pathlib.Path(__file__).resolve().parent.parent / "inputs" / "digits"


def pixels(path: pathlib.Path) -> np.ndarray:
    """A picture as the model wants it: one channel of 8 x 8 pixels from 0 (paper) to 16 (ink)."""
    picture = Image.open(path).convert("L").resize((8, 8), Image.Resampling.BOX)
    return np.asarray(picture, np.float32)[None] * 16 / 255


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default=os.environ.get("TRITON_HTTP_URL", "localhost:8000"))
    parser.add_argument("files", nargs="*", type=pathlib.Path, default=sorted(INPUTS.glob("*.png")))
    arguments = parser.parse_args()

    images = np.stack([pixels(path) for path in arguments.files])
    image = triton.InferInput("image", images.shape, "FP32")
    image.set_data_from_numpy(images)
    # One class for each image, with its name, instead of ten numbers.
    best = triton.InferRequestedOutput("probabilities", class_count=1)
    with triton.InferenceServerClient(arguments.url) as client:
        answer = client.infer("digits", [image], outputs=[best])
    for path, (text,) in zip(arguments.files, answer.as_numpy("probabilities")):
        score, _, name = text.decode().split(":")
        print(f"{path.name}: {name} ({float(score):.1%})")


if __name__ == "__main__":
    main()
