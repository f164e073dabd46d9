import { type ShapesDetectorOptions, shapeColours, shapesDetector } from '@nereid/test-kit';

/** Names in the order of the classes. */
export const labels: string = `${shapeColours.join('\n')}\n`;

/** The configuration of the guide, on the backend that this machine has. */
export function detectorConfig(options: ShapesDetectorOptions, name = 'yolo26'): string {
  const { head, inputType = 'FLOAT', layout = 'NCHW', batch } = options;
  const type = { FLOAT: 'FP32', FLOAT16: 'FP16', UINT8: 'UINT8' }[inputType];
  const picture = layout === 'NCHW' ? '3, 640, 640' : '640, 640, 3';
  const answer = head === 'raw' ? '7, 6400' : '300, 6';
  const first = batch === undefined ? '' : `${batch}, `;
  const batching = `max_batch_size: 8
dynamic_batching {
  preferred_batch_size: [ 2, 4, 8 ]
  max_queue_delay_microseconds: 100000
}`;
  return `name: "${name}"
platform: "onnxruntime_onnx"
${batch === undefined ? batching : 'max_batch_size: 0'}
input [ { name: "images" data_type: TYPE_${type} dims: [ ${first}${picture} ] } ]
output [ { name: "output0" data_type: TYPE_FP32 dims: [ ${first}${answer} ] label_filename: "labels.txt" } ]
`;
}

/** The files of a detector in a repository. */
export function detectorFiles(
  name: string,
  options: ShapesDetectorOptions,
): Record<string, string | Uint8Array> {
  return {
    [`${name}/config.pbtxt`]: detectorConfig(options, name),
    [`${name}/labels.txt`]: labels,
    [`${name}/1/model.onnx`]: shapesDetector(options),
  };
}
