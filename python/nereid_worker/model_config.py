"""`pb_utils.ModelConfig`: what `auto_complete_config` fills in."""

import json

_INPUT_PROPERTIES = ("name", "data_type", "dims", "optional")
_OUTPUT_PROPERTIES = ("name", "data_type", "dims")
_REQUIRED_PROPERTIES = ("name", "data_type", "dims")


class ModelConfig:
    """A model's configuration. Texts of its ValueErrors are Triton's, since they become the reason of a
    failed load."""

    def __init__(self, model_config):
        self._model_config = json.loads(model_config)

    def as_dict(self):
        return self._model_config

    def set_max_batch_size(self, max_batch_size):
        """Sets it, unless the configuration has a larger one."""
        given = self._model_config["max_batch_size"]
        if given > max_batch_size:
            raise ValueError(
                f"configuration specified max_batch_size {given}, but in auto-complete-config function "
                f"for model '{self._name}' specified max_batch_size {max_batch_size}"
            )
        self._model_config["max_batch_size"] = max_batch_size

    def set_dynamic_batching(self):
        """Asks for dynamic batching, unless the model has another scheduler."""
        for scheduler in ("sequence_batching", "ensemble_scheduling"):
            if scheduler in self._model_config:
                raise ValueError(
                    f"Configuration specified scheduling_choice as '{scheduler}', but "
                    f"auto-complete-config function for model '{self._name}' tries to set "
                    "scheduling_choice as 'dynamic_batching'"
                )
        self._model_config.setdefault("dynamic_batching", {})

    def add_input(self, input):
        """Adds an input, or completes the one of that name."""
        self._add("input", input, _INPUT_PROPERTIES, "'name', 'data_type', 'dims' and 'optional'")

    def add_output(self, output):
        """Adds an output, or completes the one of that name."""
        self._add("output", output, _OUTPUT_PROPERTIES, "'name', 'data_type' and 'dims'")

    def set_model_transaction_policy(self, transaction_policy_dict):
        """Says whether the model is decoupled, where the configuration does not."""
        for key in transaction_policy_dict:
            if key != "decoupled":
                raise ValueError(
                    "model transaction property in auto-complete-config function for model "
                    f"'{self._name}' contains property other than 'decoupled'."
                )
        policy = self._model_config.setdefault("model_transaction_policy", {})
        if "decoupled" not in transaction_policy_dict:
            return
        wanted = transaction_policy_dict["decoupled"]
        if policy.get("decoupled", wanted) != wanted:
            raise ValueError(
                f"trying to change decoupled property in auto-complete-config for model '{self._name}', "
                f"which is already set to '{policy['decoupled']}'."
            )
        policy["decoupled"] = wanted

    @property
    def _name(self):
        return self._model_config["name"]

    def _add(self, kind, tensor, properties, listed):
        where = f"in auto-complete-config function for model '{self._name}'"
        if any(key not in properties for key in tensor):
            raise ValueError(
                f"{kind} '{tensor.get('name', '')}' {where} contains property other than {listed}."
            )
        for key in _REQUIRED_PROPERTIES:
            if key not in tensor:
                which = f"{kind} '{tensor['name']}'" if "name" in tensor else kind
                raise ValueError(f"{which} {where} is missing '{key}' property.")
        for current in self._model_config[kind]:
            if current["name"] == tensor["name"]:
                self._complete(kind, current, tensor)
                return
        self._model_config[kind].append(tensor)

    def _complete(self, kind, current, tensor):
        name = tensor["name"]
        if current["data_type"] not in ("TYPE_INVALID", tensor["data_type"]):
            raise ValueError(
                f"unable to load model '{self._name}', configuration expects datatype "
                f"{current['data_type']} for {kind} '{name}', model provides {tensor['data_type']}"
            )
        for key in ("dims", "optional"):
            if key not in tensor or key not in current:
                continue
            if key == "dims" and not current["dims"]:
                continue
            if current[key] != tensor[key]:
                raise ValueError(
                    f"model '{self._name}', tensor '{name}': the model expects {key} {tensor[key]} but "
                    f"the model configuration specifies {key} {current[key]}"
                )
        current.update(tensor)
