/**
 * The configuration of a model: what `config.pbtxt` says, what `GET /v2/models/M/config` answers.
 *
 * Fields keep the names they have in the file and on the wire (snake_case), so that one word means one
 * thing in the file, in the code and in the documentation. Enumerations are their names. An int64 is a
 * `number`: values beyond 2^53 - 1 are refused when read, since no dimension or version can be that
 * large. A uint64 is a `number` when it is exact as one, otherwise a `bigint` (`Uint64`). A message that
 * is not set is null, and so is the unset part of a choice; lists and maps are empty instead.
 * Values are immutable: completing and normalising make new ones.
 */
export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly runtime: string;
  readonly version_policy: ModelVersionPolicy | null;
  readonly max_batch_size: number;
  readonly input: readonly ModelInput[];
  readonly output: readonly ModelOutput[];
  readonly batch_input: readonly BatchInput[];
  readonly batch_output: readonly BatchOutput[];
  readonly optimization: ModelOptimizationPolicy | null;
  /** At most one of dynamic_batching, sequence_batching and ensemble_scheduling is set. */
  readonly dynamic_batching: ModelDynamicBatching | null;
  readonly sequence_batching: ModelSequenceBatching | null;
  readonly ensemble_scheduling: ModelEnsembling | null;
  readonly instance_group: readonly ModelInstanceGroup[];
  readonly default_model_filename: string;
  /** CUDA compute capability ("7.5") → model file. */
  readonly cc_model_filenames: ReadonlyMap<string, string>;
  readonly metric_tags: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, ModelParameter>;
  readonly model_warmup: readonly ModelWarmup[];
  readonly model_operations: ModelOperations | null;
  readonly model_transaction_policy: ModelTransactionPolicy | null;
  readonly model_repository_agents: ModelRepositoryAgents | null;
  readonly response_cache: ModelResponseCache | null;
  readonly model_metrics: ModelMetrics | null;
}

/** A uint64: a number up to 2^53 - 1, a bigint above. */
export type Uint64 = number | bigint;

/** Element types by their configuration names; TYPE_STRING is BYTES on the inference wire. */
export type ConfigDataType =
  | 'TYPE_INVALID'
  | 'TYPE_BOOL'
  | 'TYPE_UINT8'
  | 'TYPE_UINT16'
  | 'TYPE_UINT32'
  | 'TYPE_UINT64'
  | 'TYPE_INT8'
  | 'TYPE_INT16'
  | 'TYPE_INT32'
  | 'TYPE_INT64'
  | 'TYPE_FP16'
  | 'TYPE_FP32'
  | 'TYPE_FP64'
  | 'TYPE_STRING'
  | 'TYPE_BF16';

/** Which versions of the model are served: exactly one of the three is set. */
export interface ModelVersionPolicy {
  readonly latest: { readonly num_versions: number } | null;
  readonly all: object | null;
  readonly specific: { readonly versions: readonly number[] } | null;
}

export interface ModelTensorReshape {
  readonly shape: readonly number[];
}

export interface ModelInput {
  readonly name: string;
  readonly data_type: ConfigDataType;
  readonly format: 'FORMAT_NONE' | 'FORMAT_NHWC' | 'FORMAT_NCHW';
  /** Without the batch dimension; -1 is a size that varies. */
  readonly dims: readonly number[];
  readonly reshape: ModelTensorReshape | null;
  readonly is_shape_tensor: boolean;
  readonly allow_ragged_batch: boolean;
  readonly optional: boolean;
  readonly is_non_linear_format_io: boolean;
}

export interface ModelOutput {
  readonly name: string;
  readonly data_type: ConfigDataType;
  /** Without the batch dimension; -1 is a size that varies. */
  readonly dims: readonly number[];
  readonly reshape: ModelTensorReshape | null;
  readonly label_filename: string;
  readonly is_shape_tensor: boolean;
  readonly is_non_linear_format_io: boolean;
}

export interface BatchInput {
  readonly kind:
    | 'BATCH_ELEMENT_COUNT'
    | 'BATCH_ACCUMULATED_ELEMENT_COUNT'
    | 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO'
    | 'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE'
    | 'BATCH_ITEM_SHAPE'
    | 'BATCH_ITEM_SHAPE_FLATTEN';
  readonly target_name: readonly string[];
  readonly data_type: ConfigDataType;
  readonly source_input: readonly string[];
}

export interface BatchOutput {
  readonly target_name: readonly string[];
  readonly kind: 'BATCH_SCATTER_WITH_INPUT_SHAPE';
  readonly source_input: readonly string[];
}

export interface ModelOptimizationPolicy {
  readonly graph: { readonly level: number } | null;
  readonly priority: 'PRIORITY_DEFAULT' | 'PRIORITY_MAX' | 'PRIORITY_MIN';
  readonly cuda: CudaOptimization | null;
  readonly execution_accelerators: ExecutionAccelerators | null;
  readonly input_pinned_memory: { readonly enable: boolean } | null;
  readonly output_pinned_memory: { readonly enable: boolean } | null;
  readonly gather_kernel_buffer_threshold: number;
  readonly eager_batching: boolean;
}

export interface CudaOptimization {
  readonly graphs: boolean;
  readonly busy_wait_events: boolean;
  readonly graph_spec: readonly CudaGraphSpec[];
  readonly output_copy_stream: boolean;
}

export interface CudaGraphSpec {
  readonly batch_size: number;
  readonly input: ReadonlyMap<string, { readonly dim: readonly number[] }>;
  readonly graph_lower_bound: {
    readonly batch_size: number;
    readonly input: ReadonlyMap<string, { readonly dim: readonly number[] }>;
  } | null;
}

export interface ExecutionAccelerators {
  readonly gpu_execution_accelerator: readonly Accelerator[];
  readonly cpu_execution_accelerator: readonly Accelerator[];
}

export interface Accelerator {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface ModelQueuePolicy {
  readonly timeout_action: 'REJECT' | 'DELAY';
  readonly default_timeout_microseconds: Uint64;
  readonly allow_timeout_override: boolean;
  readonly max_queue_size: number;
}

export interface ModelDynamicBatching {
  readonly preferred_batch_size: readonly number[];
  readonly max_queue_delay_microseconds: Uint64;
  readonly preserve_ordering: boolean;
  readonly priority_levels: Uint64;
  readonly default_priority_level: Uint64;
  readonly default_queue_policy: ModelQueuePolicy | null;
  /** Priority level (decimal) → policy. */
  readonly priority_queue_policy: ReadonlyMap<string, ModelQueuePolicy>;
}

export type SequenceControlKind =
  | 'CONTROL_SEQUENCE_START'
  | 'CONTROL_SEQUENCE_READY'
  | 'CONTROL_SEQUENCE_END'
  | 'CONTROL_SEQUENCE_CORRID';

export interface SequenceControl {
  readonly kind: SequenceControlKind;
  readonly int32_false_true: readonly number[];
  readonly fp32_false_true: readonly number[];
  readonly bool_false_true: readonly boolean[];
  readonly data_type: ConfigDataType;
}

export interface SequenceControlInput {
  readonly name: string;
  readonly control: readonly SequenceControl[];
}

export interface SequenceInitialState {
  readonly data_type: ConfigDataType;
  readonly dims: readonly number[];
  /** At most one of zero_data and data_file is set. */
  readonly zero_data: boolean | null;
  readonly data_file: string | null;
  readonly name: string;
}

export interface SequenceState {
  readonly input_name: string;
  readonly output_name: string;
  readonly data_type: ConfigDataType;
  readonly dims: readonly number[];
  readonly initial_state: readonly SequenceInitialState[];
  readonly use_same_buffer_for_input_output: boolean;
  readonly use_growable_memory: boolean;
}

export interface ModelSequenceBatching {
  /** At most one of direct and oldest is set. */
  readonly direct: {
    readonly max_queue_delay_microseconds: Uint64;
    readonly minimum_slot_utilization: number;
  } | null;
  readonly oldest: {
    readonly max_candidate_sequences: number;
    readonly preferred_batch_size: readonly number[];
    readonly max_queue_delay_microseconds: Uint64;
    readonly preserve_ordering: boolean;
  } | null;
  readonly max_sequence_idle_microseconds: Uint64;
  readonly control_input: readonly SequenceControlInput[];
  readonly state: readonly SequenceState[];
  readonly iterative_sequence: boolean;
}

export interface EnsembleStep {
  readonly model_name: string;
  /** -1 is the newest version that is ready. */
  readonly model_version: number;
  /** Input of the step's model → ensemble tensor. */
  readonly input_map: ReadonlyMap<string, string>;
  /** Output of the step's model → ensemble tensor. */
  readonly output_map: ReadonlyMap<string, string>;
  readonly model_namespace: string;
}

export interface ModelEnsembling {
  readonly step: readonly EnsembleStep[];
  readonly max_inflight_requests: number;
}

export type InstanceKind = 'KIND_AUTO' | 'KIND_GPU' | 'KIND_CPU' | 'KIND_MODEL';

export interface ModelRateLimiter {
  readonly resources: readonly {
    readonly name: string;
    readonly global: boolean;
    readonly count: number;
  }[];
  readonly priority: number;
}

export interface ModelInstanceGroup {
  readonly name: string;
  readonly kind: InstanceKind;
  readonly count: number;
  readonly rate_limiter: ModelRateLimiter | null;
  readonly gpus: readonly number[];
  readonly secondary_devices: readonly {
    readonly kind: 'KIND_NVDLA';
    readonly device_id: number;
  }[];
  readonly profile: readonly string[];
  readonly passive: boolean;
  readonly host_policy: string;
}

export interface ModelParameter {
  readonly string_value: string;
}

export interface WarmupInput {
  readonly data_type: ConfigDataType;
  readonly dims: readonly number[];
  /** At most one of zero_data, random_data and input_data_file is set. */
  readonly zero_data: boolean | null;
  readonly random_data: boolean | null;
  readonly input_data_file: string | null;
}

export interface ModelWarmup {
  readonly name: string;
  readonly batch_size: number;
  readonly inputs: ReadonlyMap<string, WarmupInput>;
  readonly count: number;
}

export interface ModelOperations {
  readonly op_library_filename: readonly string[];
}

export interface ModelTransactionPolicy {
  readonly decoupled: boolean;
}

export interface ModelRepositoryAgents {
  readonly agents: readonly {
    readonly name: string;
    readonly parameters: ReadonlyMap<string, string>;
  }[];
}

export interface ModelResponseCache {
  readonly enable: boolean;
}

export interface ModelMetrics {
  readonly metric_control: readonly {
    readonly metric_identifier: { readonly family: string } | null;
    readonly histogram_options: { readonly buckets: readonly number[] } | null;
  }[];
}
