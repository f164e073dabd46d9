"""Where a model runs, and with numbers of which type."""

from .errors import LoadError


def choose_device(torch, settings, warn):
    """A torch.device: the GPU that the instance was given, or the processor where there is none. `warn` takes a text."""
    if not settings.wants_gpu:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", int(settings.device_id))
    warn(f"{settings.name}: KIND_GPU is wanted and PyTorch finds no GPU, so it runs on the CPU")
    return torch.device("cpu")


def choose_dtype(torch, settings, device, auto=None):
    """
    A torch.dtype: the parameter `dtype`, or by `auto` the model's own type, else 16 bits on a GPU and 32 on the
    processor. Raises LoadError.
    """
    names = ("float32", "float16", "bfloat16")
    wanted = auto if settings.dtype == "auto" and auto is not None else settings.dtype
    if wanted in names:
        return getattr(torch, wanted)
    if wanted != "auto":
        raise LoadError(f"parameter 'dtype' is '{settings.dtype}', not one of auto, {', '.join(names)}")
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
