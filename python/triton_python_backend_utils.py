"""The module that Python models import: `import triton_python_backend_utils as pb_utils`."""

import sys

from nereid_worker import session as _session
from nereid_worker.byte_tensors import deserialize_bytes_tensor, serialize_byte_tensor
from nereid_worker.config_lookup import (
    get_input_config_by_name,
    get_input_tensor_by_name,
    get_output_config_by_name,
    get_output_tensor_by_name,
    using_decoupled_model_transaction_policy,
)
from nereid_worker.data_types import NUMPY_BY_CONFIG_NAME as TRITON_STRING_TO_NUMPY
from nereid_worker.data_types import (
    numpy_to_triton_type,
    triton_string_to_numpy,
    triton_to_numpy_type,
)
from nereid_worker.errors import TritonError, TritonModelException
from nereid_worker.inference_request import (
    REQUEST_RELEASE_ALL as TRITONSERVER_REQUEST_RELEASE_ALL,
)
from nereid_worker.inference_request import (
    REQUEST_RELEASE_RESCHEDULE as TRITONSERVER_REQUEST_RELEASE_RESCHEDULE,
)
from nereid_worker.inference_request import (
    InferenceRequest,
    InferenceTrace,
    MemoryType,
    PreferredMemory,
)
from nereid_worker.inference_response import InferenceResponse
from nereid_worker.logger import Logger, LogLevel
from nereid_worker.metrics import MetricFamily, MetricKind
from nereid_worker.model_config import ModelConfig
from nereid_worker.model_control import is_model_ready, load_model, unload_model
from nereid_worker.response_iterator import ResponseIterator
from nereid_worker.response_sender import (
    RESPONSE_COMPLETE_FINAL as TRITONSERVER_RESPONSE_COMPLETE_FINAL,
)
from nereid_worker.response_sender import InferenceResponseSender
from nereid_worker.tensor import Tensor

TRITONSERVER_REQUEST_FLAG_SEQUENCE_START = 1
TRITONSERVER_REQUEST_FLAG_SEQUENCE_END = 2
TRITONSERVER_MEMORY_CPU = MemoryType.TRITONSERVER_MEMORY_CPU
TRITONSERVER_MEMORY_GPU = MemoryType.TRITONSERVER_MEMORY_GPU


def get_model_dir():
    """The folder of the model's version."""
    return _session.current().model_directory


# Models that were written for Triton import its native half by this name, too.
sys.modules.setdefault("c_python_backend_utils", sys.modules[__name__])
