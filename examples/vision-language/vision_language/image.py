"""Pictures of requests."""

import io

from .errors import RequestError
from .packages import require

#: Width times height: a small file may unpack to gigabytes.
PIXELS_MAX = 64 * 1024 * 1024


def decode_image(data):
    """The PIL picture (RGB, upright) of a PNG's or JPEG's bytes. Raises RequestError."""
    image_module = require("PIL.Image")
    operations = require("PIL.ImageOps")
    if len(data) == 0:
        raise RequestError("input 'image' is empty: send the bytes of a PNG or JPEG file")
    # The limit is ours, which is said below; Pillow's own would be taken for a damaged file.
    image_module.MAX_IMAGE_PIXELS = None
    try:
        image = image_module.open(io.BytesIO(data), formats=("PNG", "JPEG"))
    except Exception as error:
        raise RequestError(
            f"input 'image' is neither PNG nor JPEG ({len(data)} bytes, beginning with {data[:8].hex(' ')})"
        ) from error
    width, height = image.size
    if width * height > PIXELS_MAX:
        raise RequestError(f"input 'image' has {width}x{height} pixels, more than {PIXELS_MAX}")
    try:
        return operations.exif_transpose(image).convert("RGB")
    except Exception as error:
        raise RequestError(f"input 'image' is damaged: {error}") from error
