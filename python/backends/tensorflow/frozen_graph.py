"""Frozen graphs. They do not say what their outputs are: these must be in the configuration."""

import triton_python_backend_utils as pb_utils
from nereid_worker.framework import model_file

_DEFAULT_MODEL = "model.graphdef"


class FrozenGraph:
    """`inputs` and `outputs`: tensors of the graph by name, with their types and shapes."""

    def __init__(self, tensorflow, config):
        v1 = tensorflow.compat.v1
        definition = v1.GraphDef()
        path = model_file(config, _DEFAULT_MODEL)
        with open(path, "rb") as file:
            try:
                definition.ParseFromString(file.read())
            except Exception as error:
                raise pb_utils.TritonModelException(f"{path} is no graph: {error}") from None
        imported = v1.wrap_function(lambda: v1.import_graph_def(definition, name=""), [])
        graph = imported.graph
        placeholders = [node.name for node in definition.node if node.op == "Placeholder"]
        if not config["output"]:
            raise pb_utils.TritonModelException(
                f"model '{config['name']}' must specify its outputs in config.pbtxt: a frozen graph does "
                "not say which they are"
            )
        given = [entry["name"] for entry in config["input"]]
        self.inputs = _tensors(graph, given or placeholders, placeholders)
        nodes = [node.name for node in definition.node]
        self.outputs = _tensors(graph, [entry["name"] for entry in config["output"]], nodes)
        self._names = list(self.inputs)
        self._function = imported.prune(list(self.inputs.values()), dict(self.outputs))

    def call(self, given):
        return self._function(*[given[name] for name in self._names])


def _tensors(graph, names, known):
    tensors = {}
    for name in names:
        try:
            tensors[name] = graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
        except (KeyError, ValueError):
            raise pb_utils.TritonModelException(
                f"the graph has no '{name}', it has: {', '.join(known)}"
            ) from None
    return tensors
