"""TorchScript models."""

import triton_python_backend_utils as pb_utils
from io_names import index_of, places_of


class TorchScript:
    """As in Triton, inputs are called as the arguments of `forward`, or end in `__<index>` of one, or else come
    in the order of the configuration; those of a model that takes a dictionary are its keys."""

    def __init__(self, torch, path, device, config):
        self._model = torch.jit.load(path, map_location=device).eval()
        arguments = self._model.forward.schema.arguments[1:]
        self._takes_dictionary = len(arguments) > 0 and arguments[0].type.kind() == "DictType"
        if self._takes_dictionary and len(arguments) > 1:
            raise pb_utils.TritonModelException(
                f"forward of model '{config['name']}' takes more than one dictionary of tensors"
            )
        names = [entry["name"] for entry in config["input"]]
        self._inputs = (
            names if self._takes_dictionary else self._order(names, arguments, config["name"])
        )
        self._outputs = [entry["name"] for entry in config["output"]]
        self._places = places_of(self._outputs)

    @staticmethod
    def _order(names, arguments, model_name):
        known = [argument.name for argument in arguments]
        if all(name in known for name in names):
            return sorted(names, key=known.index)
        places = places_of(names)
        for name, place in places.items():
            if place >= len(known):
                raise pb_utils.TritonModelException(
                    f"input '{name}' of model '{model_name}' is no argument of forward "
                    f"({', '.join(known)}), and there is none at place {place}"
                )
        if any(index_of(name) is None for name in names):
            pb_utils.Logger.log_warn(
                f"the inputs of model '{model_name}' ({', '.join(names)}) are neither called as the arguments "
                f"of forward ({', '.join(known)}) nor end in '__<index>': they are given in this order"
            )
        return sorted(names, key=places.get)

    def run(self, given):
        """Outputs by name, of tensors by name."""
        if self._takes_dictionary:
            outputs = self._model(given)
        else:
            outputs = self._model(*[given[name] for name in self._inputs if name in given])
        if isinstance(outputs, dict):
            return {name: self._of_dictionary(outputs, name) for name in self._outputs}
        if not isinstance(outputs, (tuple, list)) or self._is_text(outputs):
            outputs = [outputs]
        return {name: self._at(outputs, name, place) for name, place in self._places.items()}

    @staticmethod
    def _is_text(outputs):
        return isinstance(outputs, list) and len(outputs) > 0 and isinstance(outputs[0], str)

    @staticmethod
    def _of_dictionary(outputs, name):
        if name not in outputs:
            raise ValueError(f"the model gave {', '.join(outputs)}, no '{name}'")
        return outputs[name]

    @staticmethod
    def _at(outputs, name, place):
        if place >= len(outputs):
            raise ValueError(f"the model gave {len(outputs)} outputs, none for '{name}'")
        return outputs[place]
