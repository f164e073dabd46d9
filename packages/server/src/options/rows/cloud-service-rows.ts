import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { int32, port } from '../option-value.ts';
import { numberPair } from '../setting-format.ts';

const sagemaker = rowsOf('Sagemaker');
const vertex = rowsOf('Vertex');
const noSagemaker = {
  honoured: 'accepted',
  note: 'SageMaker requests are not served yet',
} as const;
const noVertex = { honoured: 'accepted', note: 'Vertex AI requests are not served yet' } as const;

/** The endpoints that hosted services ask for. */
export const cloudServiceRows: readonly OptionSpec[] = [
  sagemaker('allow-sagemaker', 'boolean', 'false', 'Listen for SageMaker requests.', noSagemaker),
  sagemaker('sagemaker-port', 'integer', '8080', 'Port for SageMaker requests.', {
    ...noSagemaker,
    check: port,
  }),
  sagemaker(
    'sagemaker-safe-port-range',
    'text',
    null,
    'Ports that the other endpoints must lie in.',
    { ...noSagemaker, argument: 'integer>-<integer', check: numberPair('-') },
  ),
  sagemaker('sagemaker-thread-count', 'integer', '8', 'Threads for SageMaker requests.', {
    ...noSagemaker,
    check: int32,
  }),
  vertex('allow-vertex-ai', 'boolean', 'false', 'Listen for Vertex AI requests.', noVertex),
  vertex('vertex-ai-port', 'integer', '8080', 'Port for Vertex AI requests.', {
    ...noVertex,
    check: port,
  }),
  vertex('vertex-ai-thread-count', 'integer', '8', 'Threads for Vertex AI requests.', {
    ...noVertex,
    check: int32,
  }),
  vertex(
    'vertex-ai-default-model',
    'text',
    '',
    'Model that answers Vertex AI requests which name none.',
    noVertex,
  ),
];
