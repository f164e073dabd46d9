"""What goes into ensembles and comes out of them, through Triton's own clients over HTTP and gRPC."""

import os

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
import tritonclient.utils.shared_memory as shm

HTTP = os.environ["NEREID_URL"]
GRPC = os.environ["NEREID_GRPC_URL"]

pytestmark = pytest.mark.parametrize("module, url", [(httpclient, HTTP), (grpcclient, GRPC)])


def given(module, datatype, values):
    tensor = module.InferInput("IN", list(values.shape), datatype)
    tensor.set_data_from_numpy(values)
    return [tensor]


@pytest.mark.parametrize("binary", [True, False])
def test_texts(module, url, binary):
    values = np.array([b"", "höh".encode(), b"a\x00b" if binary else b"ab", b"x" * 3000], dtype=object)
    with module.InferenceServerClient(url) as client:
        if module is httpclient:
            tensor = module.InferInput("IN", [4], "BYTES")
            tensor.set_data_from_numpy(values, binary_data=binary)
            outputs = [module.InferRequestedOutput("OUT", binary_data=binary)]
            result = client.infer("text_pair", [tensor], outputs=outputs).as_numpy("OUT")
        else:
            result = client.infer("text_pair", given(module, "BYTES", values)).as_numpy("OUT")
    assert [v if isinstance(v, bytes) else v.encode() for v in result] == list(values)


def test_classes_have_the_labels_of_the_step_that_makes_them(module, url):
    scores = np.array([0.25, 0.5, 2.0], dtype=np.float32)
    with module.InferenceServerClient(url) as client:
        outputs = [module.InferRequestedOutput("OUT", class_count=2)]
        result = client.infer("score_pair", given(module, "FP32", scores), outputs=outputs)
    assert list(result.as_numpy("OUT")) == [b"2.000000:2:cow", b"0.500000:1:dog"]


def test_system_shared_memory_in_and_out(module, url):
    values = np.arange(1000, dtype=np.int32)
    size = values.nbytes
    name = f"ensemble_{module.__name__.split('.')[-1]}"
    region = shm.create_shared_memory_region(name, f"/{name}_{os.getpid()}", 2 * size)
    try:
        shm.set_shared_memory_region(region, [values])
        with module.InferenceServerClient(url) as client:
            client.register_system_shared_memory(name, f"/{name}_{os.getpid()}", 2 * size)
            tensor = module.InferInput("IN", [1000], "INT32")
            tensor.set_shared_memory(name, size)
            output = module.InferRequestedOutput("OUT")
            output.set_shared_memory(name, size, offset=size)
            result = client.infer("number_pair", [tensor], outputs=[output])
            assert result.get_output("OUT") is not None
            client.unregister_system_shared_memory(name)
        np.testing.assert_array_equal(
            shm.get_contents_as_numpy(region, np.int32, [1000], offset=size), values
        )
    finally:
        shm.destroy_shared_memory_region(region)
