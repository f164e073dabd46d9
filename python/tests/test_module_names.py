"""Everything that Triton's own module has, and that its documentation, tests and examples use, is here."""

import inspect

import pytest

import c_python_backend_utils
import triton_python_backend_utils as pb_utils

FUNCTIONS = {
    "serialize_byte_tensor": ["input_tensor"],
    "deserialize_bytes_tensor": ["encoded_tensor"],
    "get_input_tensor_by_name": ["inference_request", "name"],
    "get_output_tensor_by_name": ["inference_response", "name"],
    "get_input_config_by_name": ["model_config", "name"],
    "get_output_config_by_name": ["model_config", "name"],
    "using_decoupled_model_transaction_policy": ["model_config"],
    "triton_to_numpy_type": ["data_type"],
    "numpy_to_triton_type": ["data_type"],
    "triton_string_to_numpy": ["triton_type_string"],
    "get_model_dir": [],
    "load_model": ["model_name", "config", "files"],
    "unload_model": ["model_name", "unload_dependents"],
    "is_model_ready": ["model_name", "model_version"],
}

METHODS = {
    "Tensor": "name as_numpy triton_dtype to_dlpack from_dlpack is_cpu shape __dlpack__ __dlpack_device__",
    "InferenceRequest": "inputs request_id correlation_id flags set_flags timeout parameters trace exec "
    "async_exec requested_output_names get_response_sender is_cancelled set_release_flags",
    "InferenceResponse": "output_tensors has_error error parameters",
    "InferenceResponseSender": "send is_cancelled",
    "ResponseIterator": "__iter__ __next__ cancel",
    "TritonError": "code message",
    "InferenceTrace": "get_context",
    "Logger": "log log_info log_warn log_error log_verbose",
    "ModelConfig": "as_dict set_max_batch_size set_dynamic_batching add_input add_output "
    "set_model_transaction_policy",
}

ATTRIBUTES = {
    "TritonError": "UNKNOWN INTERNAL NOT_FOUND INVALID_ARG UNAVAILABLE UNSUPPORTED ALREADY_EXISTS CANCELLED",
    "Logger": "INFO WARNING ERROR VERBOSE LogLevel",
    "MetricFamily": "COUNTER GAUGE HISTOGRAM",
}

CONSTANTS = {
    "TRITONSERVER_REQUEST_FLAG_SEQUENCE_START": 1,
    "TRITONSERVER_REQUEST_FLAG_SEQUENCE_END": 2,
    "TRITONSERVER_RESPONSE_COMPLETE_FINAL": 1,
    "TRITONSERVER_REQUEST_RELEASE_ALL": 1,
    "TRITONSERVER_REQUEST_RELEASE_RESCHEDULE": 2,
    "TRITONSERVER_MEMORY_CPU": 0,
    "TRITONSERVER_MEMORY_GPU": 1,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_what_triton_s_take(name):
    assert list(inspect.signature(getattr(pb_utils, name)).parameters) == FUNCTIONS[name]


@pytest.mark.parametrize("name", METHODS)
def test_classes_have_their_methods(name):
    found = getattr(pb_utils, name)
    assert [method for method in METHODS[name].split() if not hasattr(found, method)] == []
    # Models that were written for Triton import its native half by this name, too.
    assert getattr(c_python_backend_utils, name) is found


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_classes_have_their_attributes(name):
    found = getattr(pb_utils, name)
    assert [attribute for attribute in ATTRIBUTES[name].split() if not hasattr(found, attribute)] == []


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_have_their_values(name):
    assert int(getattr(pb_utils, name)) == CONSTANTS[name]


def test_the_table_of_types_is_there():
    assert pb_utils.TRITON_STRING_TO_NUMPY["TYPE_STRING"] is not None
    assert issubclass(pb_utils.TritonModelException, Exception)
    memory = pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0)
    assert memory.preferred_device_id == 0
