import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePicture, ServerProcess, shapePicture } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureGoTool } from '../../tools/go-tools.mjs';
import { ensurePerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { checkout } from './checkout.ts';
import { detectorFiles } from './detector-repository.ts';
import { runCommand } from './run-command.ts';
import { runPytest, runPython } from './run-python.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';
import { type InstalledVision, installVision } from './vision-package.ts';

/** As the guide of a video pipeline has it. */
const guideSnippet = `from ai.triton import TritonClient, TritonConfig

# Create client from environment
config = TritonConfig.from_env()
client = TritonClient(config)

# Check health
if await client.is_healthy():
    # Run detection
    result = await client.detect(image_bytes)
    for det in result.detections:
        print(f"{det.class_name}: {det.confidence:.2f}")

# Cleanup
await client.close()
`;

const perfAnalyzer = ensurePerfAnalyzer();
const grpcurl = ensureGoTool('github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3', 'grpcurl');
const skipped = (tool: { available: true } | { available: false; reason: string }): string =>
  tool.available ? '' : ` (skipped: ${tool.reason})`;

let repository: TemporaryRepository;
let server: ServerProcess;
let vision: InstalledVision;
let environment: Record<string, string>;

beforeAll(async () => {
  repository = temporaryRepository({
    ...detectorFiles('yolo26', { head: 'end-to-end' }),
    ...detectorFiles('yolo11', { head: 'raw' }),
  });
  vision = await installVision();
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, '--strict-model-config=false'],
  });
  const shape = { x: 20, y: 20, width: 120, height: 80 } as const;
  const pixels = shapePicture(200, 120, [{ ...shape, colour: 'green', form: 'rectangle' }]);
  const package_ = join(vision.folder, 'ai', 'triton');
  mkdirSync(package_, { recursive: true });
  writeFileSync(join(package_, '__init__.py'), 'from nereid_vision import *\n');
  writeFileSync(join(vision.folder, 'image.jpg'), await encodePicture(pixels, 200, 120, 'jpeg'));
  environment = {
    TRITON_ENABLED: 'true',
    TRITON_URL: `localhost:${server.grpcPort}`,
    TRITON_HTTP_URL: `localhost:${server.port}`,
    PYTHONPATH: vision.folder,
    VISION_MODELS: 'yolo26,yolo11',
  };
});
afterAll(async () => {
  await server?.stop();
  repository?.remove();
  vision?.remove();
});

/** The blocks of a language in a document. */
function blocks(document: string, language: string): string[] {
  const text = readFileSync(join(checkout, document), 'utf8');
  const found = text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gsu'));
  return [...found].map(([, body]) => body as string);
}

/** Runs code with the variables of the guide, and gives what it prints. */
async function runSnippet(code: string, prelude = ''): Promise<string> {
  const image = join(vision.folder, 'image.jpg');
  const end = await runPython('run_snippet.py', [code, prelude, image], environment);
  expect(end.status, end.output).toBe(0);
  return end.output;
}

describe('in Python', () => {
  it('runs the snippet of the guide as written', async () => {
    expect(await runSnippet(guideSnippet)).toMatch(/^green: 0\.\d\d$/mu);
  });

  it('runs the snippets of its README', async () => {
    const [first = '', imports = '', second = ''] = blocks('python/vision/README.md', 'python');
    expect(await runSnippet(first)).toMatch(/^green: 0\.\d\d at \d+, \d+$/mu);
    expect(await runSnippet(imports)).toBe('');
    const prelude = `${first.replace('await client.close()', '')}
camera_id = "camera"
detect_in_process = client.detect`;
    expect(await runSnippet(second, prelude)).toMatch(/^nereid_rollout_requests_total\{.*\} 1$/mu);
  });

  it('passes its own tests', async () => {
    const folder = join('..', '..', '..', 'python', 'vision', 'tests');
    expect(await runPytest(folder, {})).toMatch(/^\d+ passed/u);
  });

  it('finds what is in pictures, over gRPC and HTTP', async () => {
    expect(await runPytest('test_vision.py', environment)).toMatch(/^8 passed/u);
  }, 180_000);
});

describe('in JavaScript', () => {
  const run = async (code: string): Promise<string> => {
    const prelude = `import { readFileSync } from 'node:fs';
const imageBytes = readFileSync(${JSON.stringify(join(vision.folder, 'image.jpg'))});
`;
    const args = ['--input-type=module', '-e', prelude + code];
    const end = await runCommand(process.execPath, args, environment);
    expect(end.status, end.output).toBe(0);
    return end.output;
  };

  it('runs the snippets of its README', async () => {
    const [first = '', second = ''] = blocks('packages/vision/README.md', 'js');
    expect(await run(first)).toMatch(/^green: 0\.\d\d at [\d.]+, [\d.]+$/mu);
    const around = `${first.replace('await client.close();', '')}
const cameraId = 'camera';
const detectInProcess = (image) => client.detect(image);
${second}
console.log(result.detections.length, rollout.percentage);
await rollout.idle();
await client.close();`;
    expect(await run(around)).toMatch(/^1 10$/mu);
  });
});

describe('the commands of the guide', () => {
  it.skipIf(!grpcurl.available)(
    `grpcurl asks without a .proto file${skipped(grpcurl)}`,
    async () => {
      if (!grpcurl.available) return;
      const address = `localhost:${server.grpcPort}`;
      const method = 'inference.GRPCInferenceService/ServerLive';
      const end = await runCommand(grpcurl.path, ['-plaintext', address, method]);
      expect([end.status, end.output.replaceAll(/\s/gu, '')]).toEqual([0, '{"live":true}']);
    },
  );

  const loads = [
    '-m yolo26 -u localhost:8001 --concurrency-range 1:8 --shape images:1,3,640,640',
    '-m yolo26 --percentile=95',
  ];
  it.skipIf(!perfAnalyzer.available).each(loads)(
    `perf_analyzer %s${skipped(perfAnalyzer)}`,
    async (load) => {
      if (!perfAnalyzer.available) return;
      const here = load.includes('-u ')
        ? load.replace('localhost:8001', `localhost:${server.grpcPort}`)
        : `${load} -u localhost:${server.port}`;
      const measure = (windowMs: number) => {
        const short = ['-p', `${windowMs}`, '--stability-percentage=999', '--max-trials=10'];
        return runCommand(perfAnalyzer.path, [...here.split(' '), ...short], perfAnalyzer.env);
      };
      // Short windows: this asks for correctness, not for numbers. On a busy machine nothing may end within one.
      let end = await measure(300);
      if (end.output.includes('Please use a larger time window')) end = await measure(1000);
      expect(end.status, end.output).toBe(0);
      const rows = end.output.match(/^Concurrency: \d+, throughput: [\d.]+ infer\/sec/gmu);
      expect(rows).toHaveLength(load.includes('1:8') ? 8 : 1);
    },
  );

  it('shows the metrics that the dashboards of the guide read', async () => {
    const page = await (await fetch(server.metricsUrl ?? '')).text();
    for (const name of [
      'nv_inference_request_success',
      'nv_inference_request_failure',
      'nv_inference_exec_count',
      'nv_inference_queue_duration_us',
      'nv_inference_compute_infer_duration_us',
    ]) {
      expect(page).toMatch(new RegExp(`^${name}\\{.*model="yolo26".*\\} \\d+$`, 'mu'));
    }
  });
});
