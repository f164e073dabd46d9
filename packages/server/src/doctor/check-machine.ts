import { type Finding, finding } from './finding.ts';
import type { Machine } from './machine.ts';

const megabyte = 1024 * 1024;
const nodeMajors: readonly number[] = [20, 22, 24];
/** One descriptor a connection, and some for models and workers: fewer refuse clients early. */
const openFilesMin = 4096;
/** What the server itself needs, with a small model. */
const memoryBytesMin = 256 * megabyte;
/** Docker's default for /dev/shm: clients' regions larger than that fail with a bus error. */
const sharedMemoryBytesMin = 65 * megabyte;

/** What the machine keeps from working well, whatever is served. */
export function checkMachine(machine: Machine): Finding[] {
  return [
    ...checkNode(machine),
    ...checkOnnxRuntime(machine),
    ...checkCpu(machine),
    ...checkMemory(machine),
    ...checkOpenFiles(machine),
    ...checkSharedMemory(machine),
  ];
}

function checkNode({ nodeVersion }: Machine): Finding[] {
  const major = Number(/^v(\d+)/u.exec(nodeVersion)?.[1]);
  if (nodeMajors.includes(major)) return [];
  const severity = major < 20 ? 'error' : 'advice';
  const problem = `this is Node ${nodeVersion}; the server is tested on ${nodeMajors.join(', ')}`;
  return [finding(severity, 'node', problem, `run it with Node ${nodeMajors.at(-1)}`)];
}

function checkOnnxRuntime({ onnxRuntime, platform }: Machine): Finding[] {
  if ('path' in onnxRuntime) return [];
  return [
    finding(
      'error',
      'onnxruntime',
      `ONNX models cannot be served: ${onnxRuntime.missing}`,
      `install the package onnxruntime-node, which has a library for ${platform} where there is one, or name one with --backend-config=onnxruntime,library=PATH`,
    ),
  ];
}

function checkCpu({ cpuQuota, cpuCount, threadPoolSize }: Machine): Finding[] {
  const findings: Finding[] = [];
  if (cpuQuota < cpuCount) {
    findings.push(
      finding(
        'advice',
        'processors',
        `the container may use ${cpuQuota} of ${cpuCount} processors; ONNX models get ${cpuQuota} threads each unless they say otherwise`,
        'raise the CPU limit if the models are slow',
      ),
    );
  }
  if (threadPoolSize < cpuQuota) {
    findings.push(
      finding(
        'warning',
        'threads',
        `UV_THREADPOOL_SIZE is ${threadPoolSize}: so many models run at the same time, on ${cpuQuota} processors`,
        `leave UV_THREADPOOL_SIZE unset, or set it to ${cpuQuota + 4}`,
      ),
    );
  }
  return findings;
}

function checkMemory({ memoryBytes }: Machine): Finding[] {
  if (memoryBytes >= memoryBytesMin) return [];
  const problem = `only ${Math.floor(memoryBytes / megabyte)} MB of memory may be used`;
  return [finding('warning', 'memory', problem, 'raise the memory limit of the container')];
}

function checkOpenFiles({ openFilesMax }: Machine): Finding[] {
  if (openFilesMax === null || openFilesMax >= openFilesMin) return [];
  return [
    finding(
      'warning',
      'open files',
      `the process may have ${openFilesMax} open files; each connection takes one`,
      'raise it: ulimit -n 65536, LimitNOFILE= in a systemd unit, or --ulimit nofile=65536 of docker run',
    ),
  ];
}

function checkSharedMemory({ sharedMemoryBytes }: Machine): Finding[] {
  if (sharedMemoryBytes === null || sharedMemoryBytes >= sharedMemoryBytesMin) return [];
  return [
    finding(
      'advice',
      '/dev/shm',
      `/dev/shm holds ${Math.floor(sharedMemoryBytes / megabyte)} MB; the server does not need it, clients that pass tensors in shared memory do`,
      'if there are such clients, start the container with --shm-size=1g',
    ),
  ];
}
