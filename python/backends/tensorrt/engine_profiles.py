"""The optimization profiles that an instance uses: each is for shapes within its bounds."""

import triton_python_backend_utils as pb_utils


class EngineProfiles:
    """One execution context for each profile of the instance's group; profile 0 where it names none."""

    def __init__(self, engine, config, instance_name, inputs, stream):
        self._engine = engine
        self._inputs = inputs
        self._contexts = {}
        for number in _numbers(config, instance_name):
            if not 0 <= number < engine.num_optimization_profiles:
                raise pb_utils.TritonModelException(
                    f"model '{config['name']}' wants optimization profile {number}, the engine has "
                    f"{engine.num_optimization_profiles}"
                )
            context = engine.create_execution_context()
            if context is None or not context.set_optimization_profile_async(number, stream):
                raise pb_utils.TritonModelException(
                    f"optimization profile {number} of model '{config['name']}' cannot be used: it is in use "
                    "by another context, or there is not enough memory"
                )
            self._contexts[number] = context

    def context_for(self, shapes):
        """The context of the first profile that takes the shapes, by input name. Raises ValueError for none."""
        for number, context in self._contexts.items():
            if all(self._takes(number, name, shapes[name]) for name in self._inputs if name in shapes):
                return context
        bounds = {
            number: {
                name: [tuple(shape) for shape in self._engine.get_tensor_profile_shape(name, number)][::2]
                for name in self._inputs
            }
            for number in self._contexts
        }
        raise ValueError(f"no optimization profile takes the shapes {shapes}, they take {bounds}")

    def _takes(self, number, name, shape):
        least, _best, most = self._engine.get_tensor_profile_shape(name, number)
        return len(shape) == len(tuple(least)) and all(
            low <= size <= high for low, size, high in zip(least, shape, most)
        )


def _numbers(config, instance_name):
    group_name = instance_name.rpartition("_")[0]
    for group in config.get("instance_group", ()):
        if group.get("name") == group_name and group.get("profile"):
            return [int(number) for number in group["profile"]]
    return [0]
