"""Questions to a configuration, and to requests and responses by tensor name."""


def _by_name(entries, name):
    return next((entry for entry in entries if entry["name"] == name), None)


def get_input_config_by_name(model_config, name):
    """The input's properties; None where there is no such input."""
    return _by_name(model_config.get("input", ()), name)


def get_output_config_by_name(model_config, name):
    """The output's properties; None where there is no such output."""
    return _by_name(model_config.get("output", ()), name)


def using_decoupled_model_transaction_policy(model_config):
    return model_config.get("model_transaction_policy", {}).get("decoupled", False)


def _named(tensors, name):
    for tensor in tensors:
        if tensor.name() == name:
            return tensor
    return None


def get_input_tensor_by_name(inference_request, name):
    """The request's input of that name; None where it has none."""
    return _named(inference_request.inputs(), name)


def get_output_tensor_by_name(inference_response, name):
    """The response's output of that name; None where it has none."""
    return _named(inference_response.output_tensors(), name)
