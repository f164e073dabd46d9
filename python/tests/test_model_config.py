import json

import pytest

import triton_python_backend_utils as pb_utils


def config(**extra):
    base = {"name": "m", "max_batch_size": 0, "input": [], "output": []}
    return pb_utils.ModelConfig(json.dumps({**base, **extra}))


X = {"name": "X", "data_type": "TYPE_FP32", "dims": [3]}


def test_fills_in():
    made = config()
    made.add_input(X)
    made.add_output({"name": "Y", "data_type": "TYPE_FP32", "dims": [3]})
    made.set_max_batch_size(4)
    made.set_dynamic_batching()
    made.set_model_transaction_policy({"decoupled": True})
    assert made.as_dict()["input"] == [X]
    assert made.as_dict()["max_batch_size"] == 4
    assert made.as_dict()["dynamic_batching"] == {}
    assert pb_utils.using_decoupled_model_transaction_policy(made.as_dict())
    assert pb_utils.get_input_config_by_name(made.as_dict(), "X") == X
    assert pb_utils.get_output_config_by_name(made.as_dict(), "X") is None


def test_completes_what_is_half_there():
    made = config(input=[{"name": "X", "data_type": "TYPE_INVALID", "dims": []}])
    made.add_input({**X, "optional": True})
    assert made.as_dict()["input"] == [{**X, "optional": True}]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: c.add_input({**X, "reshape": 1}), "'name', 'data_type', 'dims' and 'optional'"),
        (lambda c: c.add_output({**X, "optional": 1}), "other than 'name', 'data_type' and 'dims'"),
        (lambda c: c.add_input({"name": "Z", "dims": [1]}), "'Z' .* is missing 'data_type'"),
        (lambda c: c.add_input({"data_type": "TYPE_FP32", "dims": [1]}), "is missing 'name'"),
        (lambda c: c.add_input({**X, "data_type": "TYPE_INT8"}), "expects datatype TYPE_FP32"),
        (lambda c: c.add_input({**X, "dims": [4]}), r"expects dims \[4\] but .* \[3\]"),
        (lambda c: c.set_max_batch_size(1), "specified max_batch_size 2, but"),
        (lambda c: c.set_dynamic_batching(), "'sequence_batching'"),
        (lambda c: c.set_model_transaction_policy({"x": 1}), "other than 'decoupled'"),
        (lambda c: c.set_model_transaction_policy({"decoupled": True}), "already set to 'False'"),
    ],
)
def test_refuses(change, text):
    made = config(
        max_batch_size=2,
        input=[dict(X)],
        sequence_batching={},
        model_transaction_policy={"decoupled": False},
    )
    with pytest.raises(ValueError, match=text):
        change(made)
