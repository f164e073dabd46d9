"""Archives of PyTorch 2 (`model.pt2`): programs of torch.export, and what AOTInductor has compiled of them."""

import zipfile

import triton_python_backend_utils as pb_utils
from io_names import index_of, leaf_names


class Pt2Archive:
    """Tensors lie in nested tuples and dictionaries, and are called by their place in these, as Triton calls
    them: `ARGS[0]`, `KWARGS[key]`, `RESULT[key]`, or by their number: `INPUT__0`, `OUTPUT__0`. Besides, a
    program's inputs have the names of the arguments of `forward`, and keys of dictionaries are names."""

    def __init__(self, torch, path, device, config):
        self._pytree = torch.utils._pytree
        load = self._load_compiled if _is_compiled(path) else self._load_program
        self._call, in_spec, out_spec, arguments = load(torch, path, device)
        args, kwargs = self._pytree.tree_unflatten(range(in_spec.num_leaves), in_spec)
        leaves = [*leaf_names("ARGS", args), *leaf_names("KWARGS", kwargs)]
        inputs = [entry["name"] for entry in config["input"]]
        problem = f"model '{config['name']}' has no"
        self._inputs = self._found(inputs, leaves, arguments, f"{problem} input")
        self._in_spec = in_spec
        result = self._pytree.tree_unflatten(range(out_spec.num_leaves), out_spec)
        leaves = leaf_names("RESULT", result)
        outputs = [entry["name"] for entry in config["output"]]
        self._outputs = self._found(outputs, leaves, [], f"{problem} output")

    @staticmethod
    def _load_program(torch, path, device):
        program = torch.export.load(path)
        if device.type != "cpu":
            program = torch.export.passes.move_to_device_pass(program, device)
        spec = program.call_spec
        return program.module(), spec.in_spec, spec.out_spec, program.graph_signature.user_inputs

    @staticmethod
    def _load_compiled(torch, path, device):
        index = -1 if device.index is None else device.index
        compiled = torch._inductor.aoti_load_package(path, device_index=index)
        specs = map(torch.utils._pytree.treespec_loads, compiled.loader.get_call_spec())
        return compiled, *specs, []

    @staticmethod
    def _found(names, leaves, arguments, problem):
        """The place of each name. Names that say nothing count in the order of the configuration."""
        known, places, count = _places(leaves, arguments), {}, len(leaves)
        for position, name in enumerate(names):
            index = index_of(name)
            place = known.get(name, index)
            if place is None and not any(other in known or index_of(other) is not None for other in names):
                place = position
            if place is None or place >= count:
                raise pb_utils.TritonModelException(
                    f"{problem} '{name}': it has {', '.join(leaves)}"
                )
            places[name] = place
        return places

    def run(self, given):
        """Outputs by name, of tensors by name."""
        leaves = [None] * self._in_spec.num_leaves
        for name, tensor in given.items():
            leaves[self._inputs[name]] = tensor
        args, kwargs = self._pytree.tree_unflatten(leaves, self._in_spec)
        results = self._pytree.tree_leaves(self._call(*args, **kwargs))
        return {name: results[place] for name, place in self._outputs.items()}


def _is_compiled(path):
    with zipfile.ZipFile(path) as archive:
        return any("/aotinductor/" in f"/{name}" for name in archive.namelist())


def _places(leaves, arguments):
    """The place of each leaf, by each of its names."""
    places = {}
    for place, name in enumerate(leaves):
        places[name] = place
        if name.endswith("]"):
            key = name[name.rindex("[") + 1 : -1]
            if not key.isdigit():
                places.setdefault(key, place)
    for place, name in enumerate(arguments):
        places.setdefault(name, place)
    return places
