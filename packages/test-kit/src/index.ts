export { boundChild } from './bound-child.ts';
export { collectGarbage } from './collect-garbage.ts';
export { cpuTimeMs } from './cpu-time.ts';
export {
  type EncodePictureOptions,
  encodePicture,
  type PictureEncoding,
} from './encode-picture.ts';
export { eventually } from './eventually.ts';
export {
  type FakeExecute,
  FakeModelRegistry,
  FakeScheduler,
  FakeServedModel,
  type FakeServedModelOptions,
} from './fake-served-model.ts';
export { freePorts } from './free-ports.ts';
export { ensureFreshBuild } from './fresh-build.ts';
export { ManualClock } from './manual-clock.ts';
export {
  addSubModel,
  countingModel,
  identityModel,
  ONNX_TYPES,
  type OnnxAttribute,
  type OnnxGraphSpec,
  type OnnxModelSpec,
  type OnnxNodeSpec,
  type OnnxTensorSpec,
  type OnnxTypeName,
  type OnnxValueSpec,
  onnxModel,
} from './onnx-writer.ts';
export {
  childrenOf,
  descriptorsOf,
  isAlive,
  type ProcessStat,
  processStat,
  residentBytes,
  threadCount,
} from './process-table.ts';
export { RecordingTrace } from './recording-trace.ts';
export {
  type ProcessEnd,
  runServerToEnd,
  ServerProcess,
  type ServerProcessOptions,
} from './server-process.ts';
export { type PictureShape, shapePicture } from './shape-picture.ts';
export { type ShapesDetectorOptions, shapeColours, shapesDetector } from './shapes-detector.ts';
export { testTracing } from './test-tracing.ts';
export { TritonProcess } from './triton-process.ts';
