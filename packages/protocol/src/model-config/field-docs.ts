/**
 * What the server does with a field at this stage: `honoured` it acts on it; `checked` it checks the
 * value, and nothing acts on it yet; `kept` it takes the value and shows it in the configuration.
 */
export type FieldSupport = 'honoured' | 'checked' | 'kept';

/** `<support>: <description>` of every field of the schema, by message and field. */
export const fieldDocs: Readonly<Record<string, string>> = {
  'ModelConfig.name':
    'honoured: The model. Left out, it is the name of the folder; given, it must equal it.',
  'ModelConfig.platform':
    'honoured: Older way to say the backend, such as onnxruntime_onnx or ensemble.',
  'ModelConfig.backend':
    'honoured: What runs the model. Left out, the file in the version folder tells.',
  'ModelConfig.runtime': 'kept: Library file of the backend.',
  'ModelConfig.version_policy': 'honoured: Which versions are served. Left out, the newest one.',
  'ModelConfig.max_batch_size':
    'honoured: The most items in one batch. 0: the model does not batch, and dims are complete.',
  'ModelConfig.input': 'honoured: What the model takes. Left out, the ONNX file tells.',
  'ModelConfig.output': 'honoured: What the model gives. Left out, the ONNX file tells.',
  'ModelConfig.batch_input': 'honoured: Inputs that the server makes from the batch as a whole.',
  'ModelConfig.batch_output': 'honoured: Outputs that are parted among the requests of a batch.',
  'ModelConfig.optimization': 'honoured: How the backend should speed the model up.',
  'ModelConfig.dynamic_batching': 'honoured: Joins requests into batches.',
  'ModelConfig.sequence_batching': 'honoured: Keeps the requests of one sequence on one instance.',
  'ModelConfig.ensemble_scheduling':
    'honoured: Runs other models, each step as soon as its inputs are there.',
  'ModelConfig.instance_group': 'honoured: How many instances of the model run, and where.',
  'ModelConfig.default_model_filename':
    "honoured: Model file in the version folder. Left out, the backend's usual name.",
  'ModelConfig.cc_model_filenames': 'kept: Model files by CUDA compute capability.',
  'ModelConfig.metric_tags':
    "honoured: Labels of the model's metrics; each name gets a _ in front.",
  'ModelConfig.parameters': 'honoured: Settings that the backend defines.',
  'ModelConfig.model_warmup': 'honoured: Requests to run before the model is ready.',
  'ModelConfig.model_operations': 'kept: Libraries with operations of your own.',
  'ModelConfig.model_transaction_policy': 'checked: How requests and responses relate.',
  'ModelConfig.model_repository_agents':
    'kept: What happens to the model files before they are loaded.',
  'ModelConfig.response_cache':
    'honoured: Whether answers are remembered, where the server has a --cache-config.',
  'ModelConfig.model_metrics': "checked: How the model's metrics are made.",
  'ModelVersionPolicy.latest': 'honoured: Serve the newest versions.',
  'ModelVersionPolicy.all': 'honoured: Serve every version.',
  'ModelVersionPolicy.specific': 'honoured: Serve the versions that are named.',
  'ModelVersionPolicy.Latest.num_versions': 'honoured: How many.',
  'ModelVersionPolicy.Specific.versions': 'honoured: Version numbers.',
  'ModelTensorReshape.shape':
    'honoured: Shape without the batch dimension; -1 is a size that varies, in the order of dims.',
  'ModelInput.name': "honoured: Name of the model's input.",
  'ModelInput.data_type': 'honoured: Element type.',
  'ModelInput.format': 'checked: Order of the dimensions of a picture.',
  'ModelInput.dims': 'honoured: Shape without the batch dimension; -1 is a size that varies.',
  'ModelInput.reshape': 'honoured: Shape that the model gets instead of dims.',
  'ModelInput.is_shape_tensor': 'checked: The values are a shape. TensorRT only.',
  'ModelInput.allow_ragged_batch': 'honoured: Requests of one batch may differ in shape.',
  'ModelInput.optional': 'honoured: A request may leave the input out.',
  'ModelInput.is_non_linear_format_io': 'checked: Vectorised memory format. TensorRT only.',
  'ModelOutput.name': "honoured: Name of the model's output.",
  'ModelOutput.data_type': 'honoured: Element type.',
  'ModelOutput.dims': 'honoured: Shape without the batch dimension; -1 is a size that varies.',
  'ModelOutput.reshape': 'honoured: Shape that the model gives, turned into dims for the client.',
  'ModelOutput.label_filename':
    "honoured: File in the model's folder with a class name on each line.",
  'ModelOutput.is_shape_tensor': 'checked: The values are a shape. TensorRT only.',
  'ModelOutput.is_non_linear_format_io': 'checked: Vectorised memory format. TensorRT only.',
  'BatchInput.kind': 'honoured: What the input tells of the batch.',
  'BatchInput.target_name': "honoured: The model's inputs that take it.",
  'BatchInput.data_type': 'honoured: TYPE_INT32 or TYPE_FP32.',
  'BatchInput.source_input': 'honoured: The input that it is made from.',
  'BatchOutput.target_name': "honoured: The model's outputs.",
  'BatchOutput.kind': 'honoured: How the output is parted.',
  'BatchOutput.source_input': 'honoured: The input whose shapes say how.',
  'ModelOptimizationPolicy.graph': 'honoured: Optimisation of the graph.',
  'ModelOptimizationPolicy.priority': 'kept: Priority of the model on its device.',
  'ModelOptimizationPolicy.cuda': 'kept: Settings for NVIDIA GPUs.',
  'ModelOptimizationPolicy.execution_accelerators': 'honoured: Execution providers to use.',
  'ModelOptimizationPolicy.input_pinned_memory':
    'kept: Pinned memory for inputs on their way to a GPU.',
  'ModelOptimizationPolicy.output_pinned_memory':
    'kept: Pinned memory for outputs on their way from a GPU.',
  'ModelOptimizationPolicy.gather_kernel_buffer_threshold':
    'kept: Number of buffers from which a GPU kernel gathers them.',
  'ModelOptimizationPolicy.eager_batching': 'kept: Prepare the next batch while one runs.',
  'ModelOptimizationPolicy.Graph.level':
    'honoured: ONNX Runtime: -1 basic, 0 all, 1 extended, 2 none.',
  'ModelOptimizationPolicy.PinnedMemoryBuffer.enable': 'kept: Whether it is used.',
  'ModelOptimizationPolicy.Cuda.graphs': 'kept: Capture the execution as a CUDA graph.',
  'ModelOptimizationPolicy.Cuda.busy_wait_events': 'kept: Wait for GPU events without sleeping.',
  'ModelOptimizationPolicy.Cuda.graph_spec': 'kept: Shapes to capture graphs for.',
  'ModelOptimizationPolicy.Cuda.output_copy_stream': 'kept: Copy outputs on a stream of their own.',
  'ModelOptimizationPolicy.Cuda.GraphSpec.batch_size': 'kept: Batch size of the graph.',
  'ModelOptimizationPolicy.Cuda.GraphSpec.input': 'kept: Shape of each input.',
  'ModelOptimizationPolicy.Cuda.GraphSpec.graph_lower_bound':
    'kept: Least shapes that the graph may serve.',
  'ModelOptimizationPolicy.Cuda.GraphSpec.Shape.dim': 'kept: Dimensions.',
  'ModelOptimizationPolicy.Cuda.GraphSpec.LowerBound.batch_size': 'kept: Least batch size.',
  'ModelOptimizationPolicy.Cuda.GraphSpec.LowerBound.input': 'kept: Least shape of each input.',
  'ModelOptimizationPolicy.ExecutionAccelerators.gpu_execution_accelerator':
    'honoured: Providers for GPU instances: cuda, tensorrt.',
  'ModelOptimizationPolicy.ExecutionAccelerators.cpu_execution_accelerator':
    'honoured: Providers for CPU instances: openvino.',
  'ModelOptimizationPolicy.ExecutionAccelerators.Accelerator.name':
    'honoured: Name of the provider.',
  'ModelOptimizationPolicy.ExecutionAccelerators.Accelerator.parameters':
    "honoured: The provider's own settings.",
  'ModelQueuePolicy.timeout_action': 'honoured: What happens to a request that waits too long.',
  'ModelQueuePolicy.default_timeout_microseconds':
    'honoured: How long a request may wait; 0 has no end.',
  'ModelQueuePolicy.allow_timeout_override': 'honoured: A request may ask for a shorter time.',
  'ModelQueuePolicy.max_queue_size': 'honoured: Requests that may wait; 0 is any number.',
  'ModelDynamicBatching.preferred_batch_size': 'honoured: Batch sizes worth waiting for.',
  'ModelDynamicBatching.max_queue_delay_microseconds':
    'honoured: How long a request may wait for company.',
  'ModelDynamicBatching.preserve_ordering': 'honoured: Answer in the order of the requests.',
  'ModelDynamicBatching.priority_levels': 'honoured: Number of priority levels; 0 is none.',
  'ModelDynamicBatching.default_priority_level':
    'honoured: Level of a request that names none; 1 is the most urgent.',
  'ModelDynamicBatching.default_queue_policy':
    'honoured: Queue policy of every level without its own.',
  'ModelDynamicBatching.priority_queue_policy': 'honoured: Queue policy by level.',
  'ModelSequenceBatching.direct': 'honoured: Each sequence keeps a slot of an instance.',
  'ModelSequenceBatching.oldest':
    'honoured: Requests of several sequences are batched, the oldest first.',
  'ModelSequenceBatching.max_sequence_idle_microseconds':
    'honoured: How long a sequence may be silent before it ends.',
  'ModelSequenceBatching.control_input':
    'honoured: Inputs that tell the model where a sequence stands.',
  'ModelSequenceBatching.state':
    'honoured: Tensors that the server keeps from one request to the next.',
  'ModelSequenceBatching.iterative_sequence':
    'honoured: A request may return to the queue until it is done.',
  'ModelSequenceBatching.Control.kind': 'honoured: What the control tells.',
  'ModelSequenceBatching.Control.int32_false_true':
    'honoured: Values for false and true, as INT32.',
  'ModelSequenceBatching.Control.fp32_false_true': 'honoured: Values for false and true, as FP32.',
  'ModelSequenceBatching.Control.bool_false_true': 'honoured: Values for false and true, as BOOL.',
  'ModelSequenceBatching.Control.data_type': 'honoured: Type of the correlation id.',
  'ModelSequenceBatching.ControlInput.name': "honoured: The model's input.",
  'ModelSequenceBatching.ControlInput.control': 'honoured: What it takes.',
  'ModelSequenceBatching.InitialState.data_type': 'honoured: Element type.',
  'ModelSequenceBatching.InitialState.dims': 'honoured: Shape without the batch dimension.',
  'ModelSequenceBatching.InitialState.zero_data': 'honoured: Begin with zeros.',
  'ModelSequenceBatching.InitialState.data_file':
    "honoured: Begin with a file of the model's initial_state folder.",
  'ModelSequenceBatching.InitialState.name': 'honoured: Name of the value.',
  'ModelSequenceBatching.State.input_name': "honoured: The model's input for the state.",
  'ModelSequenceBatching.State.output_name': "honoured: The model's output with the new state.",
  'ModelSequenceBatching.State.data_type': 'honoured: Element type.',
  'ModelSequenceBatching.State.dims': 'honoured: Shape without the batch dimension.',
  'ModelSequenceBatching.State.initial_state': 'honoured: What a sequence begins with.',
  'ModelSequenceBatching.State.use_same_buffer_for_input_output':
    'honoured: Write the new state over the old one.',
  'ModelSequenceBatching.State.use_growable_memory': 'honoured: The state may grow.',
  'ModelSequenceBatching.StrategyDirect.max_queue_delay_microseconds':
    'honoured: How long a request may wait for company.',
  'ModelSequenceBatching.StrategyDirect.minimum_slot_utilization':
    'honoured: Share of filled slots to wait for, 0 to 1.',
  'ModelSequenceBatching.StrategyOldest.max_candidate_sequences':
    'honoured: Sequences of one instance at a time.',
  'ModelSequenceBatching.StrategyOldest.preferred_batch_size':
    'honoured: Batch sizes worth waiting for.',
  'ModelSequenceBatching.StrategyOldest.max_queue_delay_microseconds':
    'honoured: How long a request may wait for company.',
  'ModelSequenceBatching.StrategyOldest.preserve_ordering':
    'honoured: Answer in the order of the requests.',
  'ModelEnsembling.step': 'honoured: One use of a model.',
  'ModelEnsembling.max_inflight_requests':
    'honoured: Requests of a step at the same time; 0 is any number.',
  'ModelEnsembling.Step.model_name': 'honoured: The model.',
  'ModelEnsembling.Step.model_version': 'honoured: Its version; -1 is the newest.',
  'ModelEnsembling.Step.input_map': "honoured: Ensemble tensor for each of the model's inputs.",
  'ModelEnsembling.Step.output_map': "honoured: Ensemble tensor for each of the model's outputs.",
  'ModelEnsembling.Step.model_namespace':
    'honoured: Repository of the model, with --model-namespacing.',
  'ModelRateLimiter.resources': 'honoured: What an execution takes up.',
  'ModelRateLimiter.priority': 'honoured: Weight against other instances; larger runs less often.',
  'ModelRateLimiter.Resource.name': 'honoured: Name of the resource.',
  'ModelRateLimiter.Resource.global': 'honoured: Shared by all devices.',
  'ModelRateLimiter.Resource.count': 'honoured: How much of it.',
  'ModelInstanceGroup.name': 'honoured: Name of the group, in the names of its instances.',
  'ModelInstanceGroup.kind':
    'honoured: Where the instances run. KIND_AUTO is a GPU where there is one, otherwise the CPU.',
  'ModelInstanceGroup.count':
    'honoured: Instances, on each GPU for KIND_GPU. 0 is the usual number: 2 for ONNX on the CPU, otherwise 1.',
  'ModelInstanceGroup.rate_limiter':
    'honoured: What the rate limiter is told; it is there with --rate-limit=execution_count.',
  'ModelInstanceGroup.gpus': 'checked: GPU numbers; none is every GPU.',
  'ModelInstanceGroup.secondary_devices': 'kept: Devices that help out.',
  'ModelInstanceGroup.profile': 'checked: Optimisation profiles. TensorRT only.',
  'ModelInstanceGroup.passive': 'honoured: The instances are not given requests.',
  'ModelInstanceGroup.host_policy': 'honoured: Name of a --host-policy, for Python models.',
  'ModelInstanceGroup.SecondaryDevice.kind': 'kept: Kind of device.',
  'ModelInstanceGroup.SecondaryDevice.device_id': 'kept: Number of the device.',
  'ModelParameter.string_value': 'honoured: The value, as text.',
  'ModelWarmup.name': 'honoured: Name of the sample, for messages.',
  'ModelWarmup.batch_size': 'honoured: Items in the batch.',
  'ModelWarmup.inputs': 'honoured: Content of each input.',
  'ModelWarmup.count': 'honoured: How often it runs; 0 is once.',
  'ModelWarmup.Input.data_type': 'honoured: Element type.',
  'ModelWarmup.Input.dims': 'honoured: Shape without the batch dimension.',
  'ModelWarmup.Input.zero_data': 'honoured: Zeros.',
  'ModelWarmup.Input.random_data': 'honoured: Random values.',
  'ModelWarmup.Input.input_data_file': "honoured: A file of the model's warmup folder.",
  'ModelOperations.op_library_filename': 'kept: Library files.',
  'ModelTransactionPolicy.decoupled': 'checked: A request may have any number of responses.',
  'ModelRepositoryAgents.agents': 'kept: The agents, in the order in which they act.',
  'ModelRepositoryAgents.Agent.name': 'kept: Name of the agent.',
  'ModelRepositoryAgents.Agent.parameters': "kept: The agent's own settings.",
  'ModelResponseCache.enable': 'honoured: Whether they are.',
  'ModelMetrics.metric_control': 'checked: Settings of one metric family each.',
  'ModelMetrics.MetricControl.metric_identifier': 'checked: The metric meant.',
  'ModelMetrics.MetricControl.histogram_options': 'checked: Settings of a histogram.',
  'ModelMetrics.MetricControl.MetricIdentifier.family': 'checked: Name of the metric family.',
  'ModelMetrics.MetricControl.HistogramOptions.buckets': 'checked: Upper limits of the buckets.',
};
