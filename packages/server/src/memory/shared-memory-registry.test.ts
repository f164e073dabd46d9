import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type CudaDriver, type CudaMemory, pageBytes } from '@nereid/native';
import { TritonError } from '@nereid/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../core/logger.ts';
import { SharedMemoryRegistry } from './shared-memory-registry.ts';

const key = `/nereid-registry-${process.pid}`;
const file = `/dev/shm${key}`;
const big = 2 * 1024 * 1024;

let registry = new SharedMemoryRegistry({ allowed: true, logger: silentLogger });

/** A fresh registry with region `r`: all of an object that holds `content`. */
function registered(content: Uint8Array | string): SharedMemoryRegistry {
  writeFileSync(file, content);
  registry = new SharedMemoryRegistry({ allowed: true, logger: silentLogger });
  registry.registerSystem('r', key, 0, Buffer.byteLength(content));
  return registry;
}

afterEach(() => {
  registry.close();
  rmSync(file, { force: true });
});

/** `CODE text` of the failure. */
function fault(action: () => unknown): string {
  try {
    action();
  } catch (failure) {
    if (failure instanceof TritonError) return `${failure.code} ${failure.message}`;
    throw failure;
  }
  return 'none';
}

async function rejection(work: Promise<unknown> | null): Promise<string> {
  const failure = await work?.catch((reason: unknown) => reason);
  return failure instanceof TritonError ? `${failure.code} ${failure.message}` : 'none';
}

const shrunk = `INVALID_ARG shared memory region 'r' does not have the`;

describe.runIf(process.platform === 'linux')('registering', () => {
  it('is off unless it is allowed', () => {
    const off = new SharedMemoryRegistry({ allowed: false, logger: silentLogger });
    const text =
      "UNSUPPORTED Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.";
    for (const action of [
      () => off.registerSystem('r', key, 0, 1),
      () => off.registerCuda('r', new Uint8Array(64), 0, 1),
      () => off.unregisterSystem(''),
      () => off.unregisterCuda(''),
    ]) {
      expect(fault(action)).toBe(text);
    }
    expect(off.systemStatus('')).toEqual([]);
    expect(off.cudaStatus('')).toEqual([]);
    const range = { region: 'r', offset: 0, byteSize: 1 };
    expect(fault(() => off.use().input(range))).toBe(
      "NOT_FOUND Unable to find shared memory region: 'r'",
    );
  });

  it('refuses ranges that are not in the object, also those that wrap around', () => {
    registered(Buffer.alloc(3 * pageBytes()));
    const register = (offset: number | bigint, byteSize: number | bigint): string =>
      fault(() => registry.registerSystem('s', key, offset, byteSize));
    const failed = "INVALID_ARG failed to register shared memory region 's': ";
    const page = pageBytes();
    expect(register(0, 3 * page + 1)).toBe(`${failed}invalid args`);
    expect(register(page, 2 * page + 1)).toBe(`${failed}invalid args`);
    expect(register(2n ** 64n - BigInt(page), page)).toBe(`${failed}invalid args`);
    expect(register(page, 2n ** 64n - 1n)).toBe(`${failed}invalid args`);
    expect(register(2 ** 53, 2 ** 53)).toBe(`${failed}invalid args`);
    expect(register(-page, page)).toBe(`${failed}invalid args`);
    const unmapped = `${failed}unable to process address spaceInvalid argument`;
    expect(register(3, 5)).toBe(unmapped);
    expect(register(0, 0)).toBe(unmapped);
    expect(register(2 * page, page)).toBe('none');
  });

  it('refuses keys that are slashes, reserved, or name nothing', () => {
    registered('x');
    const register = (name: string): string =>
      fault(() => registry.registerSystem('s', name, 0, 1));
    const cannot = "INVALID_ARG cannot register shared memory region 's'";
    for (const slashes of ['/', '///']) {
      expect(register(slashes)).toBe(`${cannot} - invalid shm key '${slashes}'`);
    }
    const reserved = 'triton_python_backend_shm_region_';
    for (const bad of [`${reserved}x`, `/${reserved}x`, `///${reserved}`]) {
      expect(register(bad)).toBe(
        `${cannot} with key '${bad}' as the key contains the reserved prefix '${reserved}'`,
      );
    }
    for (const bad of ['', '/..', '/../shm', '/none', `${key}/x`, 'x'.repeat(1000)]) {
      expect(register(bad)).toBe(`INTERNAL Unable to open shared memory region: '${bad}'`);
    }
    // What comes after a NUL is not part of a text in C.
    expect(register(`${key}\0/..`)).toBe('none');
  });

  it('lets two regions lie on one key, and a name stand once', () => {
    registered('abcd');
    expect(fault(() => registry.registerSystem('r', key, 0, 1))).toBe(
      "ALREADY_EXISTS shared memory region 'r' already in manager",
    );
    registry.registerSystem('a', key, 0, 2);
    expect(registry.systemStatus('').map(({ name }) => name)).toEqual(['a', 'r']);
    registry.unregisterSystem('r');
    registry.unregisterSystem('r');
    expect(fault(() => registry.systemStatus('r'))).toBe(
      "NOT_FOUND Unable to find system shared memory region: 'r'",
    );
    const bytes = registry.use().input({ region: 'a', offset: 0, byteSize: 2 });
    expect(Buffer.from(bytes).toString()).toBe('ab');
    expect(fault(() => registry.cudaStatus('a'))).toContain('registered as system shared memory');
  });
});

describe.runIf(process.platform === 'linux')('using', () => {
  it('holds ranges to the region, whatever numbers are sent', () => {
    const use = registered('abcdefgh').use();
    const at = (offset: number | bigint, byteSize: number | bigint): string =>
      fault(() => use.input({ region: 'r', offset, byteSize }));
    expect(at(8, 0)).toBe("INVALID_ARG Invalid offset for shared memory region: 'r'");
    expect(at(-8, 8)).toBe("INVALID_ARG Invalid offset for shared memory region: 'r'");
    expect(at(2n ** 64n - 1n, 2)).toBe("INVALID_ARG Invalid offset for shared memory region: 'r'");
    expect(at(4, 5)).toBe("INVALID_ARG Invalid offset + byte size for shared memory region: 'r'");
    expect(at(0, 2n ** 64n - 1n)).toContain('Invalid offset + byte size');
    expect(at(1, 2n ** 64n - 1n)).toBe(
      "INVALID_ARG Integer overflow detected: byte_size (18446744073709551615) + offset (1) exceeds maximum value (18446744073709551615) for region 'r'",
    );
    expect(at(4, 4)).toBe('none');
    use.release();
  });

  it('writes outputs in place, or none of them', () => {
    const use = registered('........').use();
    const output = (name: string, offset: number, byteSize: number, text: string) => ({
      name,
      range: { region: 'r', offset, byteSize },
      data: Buffer.from(text),
    });
    const good = output('A', 1, 4, 'xyz');
    use.output(good.range);
    expect(fault(() => use.write([good, output('B', 4, 2, 'abc')]))).toBe(
      "INTERNAL shared memory size specified with the request for output 'B' (2 bytes) should be at least 3 bytes to hold the results",
    );
    expect(readFileSync(file, 'utf8')).toBe('........');
    expect(use.write([good])).toBeNull();
    expect(readFileSync(file, 'utf8')).toBe('.xyz....');
    use.release();
  });

  it('keeps a region in use until the last request is done', () => {
    registered('abcd');
    const first = registry.use();
    const second = registry.use();
    first.input({ region: 'r', offset: 0, byteSize: 4 });
    second.output({ region: 'r', offset: 0, byteSize: 4 });
    registry.unregisterSystem('');
    expect(registry.systemStatus('')).toHaveLength(1);
    first.release();
    first.release();
    const range = { region: 'r', offset: 0, byteSize: 4 };
    expect(second.write([{ name: 'O', range, data: Buffer.from('wxyz') }])).toBeNull();
    expect(readFileSync(file, 'utf8')).toBe('wxyz');
    second.release();
    expect(registry.systemStatus('')).toEqual([]);
    expect(registry.copiedBytes).toBe(0);
  });

  it('survives an object that shrinks', async () => {
    registered(Buffer.alloc(big));
    truncateSync(file, 100);
    const use = registry.use();
    expect(fault(() => use.input({ region: 'r', offset: 96, byteSize: 8 }))).toContain(shrunk);
    const range = { region: 'r', offset: 0, byteSize: big };
    use.input(range);
    expect(await rejection(use.inputsReady())).toContain(shrunk);
    use.output(range);
    const data = Buffer.alloc(big);
    expect(fault(() => use.write([{ name: 'O', range, data }]))).toContain(shrunk);
    // It is not made larger either.
    expect(readFileSync(file)).toHaveLength(100);
    use.release();
    expect(registry.copiedBytes).toBe(0);
  });

  it('moves much on another thread, also when nobody waits for it', async () => {
    const content = Buffer.alloc(big, 'abc');
    const use = registered(content).use();
    const range = { region: 'r', offset: 0, byteSize: big };
    const input = use.input(range);
    registry.unregisterSystem('r');
    await use.inputsReady();
    expect(content.equals(input)).toBe(true);
    content.fill('x');
    await use.write([{ name: 'O', range, data: content }]);
    expect(readFileSync(file).equals(content)).toBe(true);
    use.input(range);
    use.release();
    expect(registry.systemStatus('')).toHaveLength(1);
    await expect.poll(() => registry.systemStatus('')).toEqual([]);
  });

  it('does not let small requests fill the memory', () => {
    // No pages are behind it, so that it costs nothing but its length.
    registered('x');
    registry.unregisterSystem('r');
    const length = 1024 * 1024 * 1024;
    truncateSync(file, length);
    registry.registerSystem('r', key, 0, length);
    const use = registry.use();
    registry.copiedBytes = 4 * 1024 * 1024 * 1024;
    const range = { region: 'r', offset: 0, byteSize: length };
    expect(fault(() => use.input(range))).toContain('UNAVAILABLE shared memory inputs');
    registry.copiedBytes = 0;
    use.release();
  });
});

const mappable = process.platform === 'linux' && process.arch === 'x64';

describe.runIf(mappable)('using in place', () => {
  const all = { region: 'r', offset: 0, byteSize: 16 };

  it('gives the memory of the client, to read and to write', () => {
    const use = registered('abcdefghijklmnop').use(true);
    const input = use.input({ region: 'r', offset: 0, byteSize: 8 }, 'FP32');
    writeFileSync(file, 'ABCDEFGHijklmnop');
    expect(Buffer.from(input).toString()).toBe('ABCDEFGH');
    const range = { region: 'r', offset: 8, byteSize: 8 };
    use.output(range);
    const output = use.outputMemory(range, 'FP32', 4);
    output?.set(Buffer.from('1234'));
    expect(readFileSync(file, 'utf8')).toBe('ABCDEFGH1234mnop');
    // Nothing is written a second time.
    writeFileSync(file, 'ABCDEFGH5678mnop');
    expect(use.write([{ name: 'O', range, data: output as Uint8Array }])).toBeNull();
    expect(readFileSync(file, 'utf8')).toBe('ABCDEFGH5678mnop');
    use.release();
  });

  it('copies what a model takes for more than a number, and what lies askew', () => {
    const use = registered('abcdefghijklmnop').use(true);
    const copies = ['INT32', 'INT64', 'BOOL', 'BYTES', 'FP99'].map((type) => use.input(all, type));
    copies.push(use.input({ ...all, offset: 4, byteSize: 12 }, 'FP32'));
    writeFileSync(file, '0000000000000000');
    for (const copy of copies) expect(Buffer.from(copy).toString()).toMatch(/^[a-p]+$/u);
    expect(use.outputMemory(all, 'INT64', 8)).toBeNull();
    use.release();
    const copying = registry.use(false);
    const copy = copying.input(all, 'FP32');
    writeFileSync(file, '1111111111111111');
    expect(Buffer.from(copy).toString()).toBe('0000000000000000');
    copying.release();
  });

  it('does not have an output written over another tensor of the request', () => {
    const use = registered('abcdefghijklmnop').use(true);
    // Another name for the same memory.
    registry.registerSystem('s', key, 0, 16);
    use.input({ region: 'r', offset: 0, byteSize: 8 }, 'FP32');
    expect(use.outputMemory({ region: 's', offset: 0, byteSize: 16 }, 'FP32', 16)).toBeNull();
    const rest = { region: 's', offset: 8, byteSize: 8 };
    expect(use.outputMemory(rest, 'FP32', 16)).toBeNull();
    expect(use.outputMemory(rest, 'FP32', 8)).not.toBeNull();
    expect(use.outputMemory(rest, 'FP32', 8)).toBeNull();
    use.release();
  });

  it('copies for who keeps a tensor, or sends it', () => {
    const use = registered('abcdefghijklmnop').use(true);
    const tensor = { name: 'A', dataType: 'FP32', shape: [4] } as const;
    const placed = { ...tensor, data: use.input(all, 'FP32') };
    const other = { ...tensor, data: Buffer.from('x') };
    const [own, same] = use.own([placed, other]);
    writeFileSync(file, '0000000000000000');
    expect(Buffer.from(own?.data as Uint8Array).toString()).toBe('abcdefghijklmnop');
    expect(same).toBe(other);
    use.release();
  });

  it('survives an object that shrinks while it is used, and takes it up again when it has grown', () => {
    const length = 4 * pageBytes();
    const range = { region: 'r', offset: 0, byteSize: length };
    const use = registered(Buffer.alloc(length, 1)).use(true);
    const bytes = use.input(range, 'FP32');
    truncateSync(file, 0);
    expect(bytes[length - 1]).toBe(0);
    expect(fault(() => use.requireIntact())).toContain(shrunk);
    expect(fault(() => use.write([]))).toContain(shrunk);
    const other = registry.use(true);
    expect(fault(() => other.input(range, 'FP32'))).toContain(shrunk);
    writeFileSync(file, Buffer.alloc(length, 2));
    // The first one still uses the mapping that has lost its pages: this one gets a copy.
    expect(other.input(range, 'FP32')[0]).toBe(2);
    other.requireIntact();
    other.release();
    use.release();
    const again = registry.use(true);
    const whole = again.input(range, 'FP32');
    expect(whole[length - 1]).toBe(2);
    expect(whole.buffer).toBe(bytes.buffer);
    again.requireIntact();
    again.release();
    expect([registry.copiedBytes, registry.mappedBytes]).toEqual([0, length]);
    registry.unregisterSystem('r');
    expect(registry.mappedBytes).toBe(0);
    expect(whole[0]).toBe(0);
  });
});

describe('memory of a GPU', () => {
  /** A driver whose memory is 16 bytes of `content`, and what it was asked. */
  function fakeCuda(content: Buffer): { registry: SharedMemoryRegistry; asked: string[] } {
    const asked: string[] = [];
    const memory: CudaMemory = {
      byteSize: content.byteLength,
      read: (target, offset) => target.set(content.subarray(offset, offset + target.byteLength)),
      write: (source, offset) => content.set(source, offset),
      close: () => {
        asked.push('close');
        throw new Error('the driver is shutting down');
      },
    };
    const driver: CudaDriver = {
      open(handle, deviceId) {
        asked.push(`open ${Buffer.from(handle).toString()} on ${deviceId}`);
        return memory;
      },
    };
    registry = new SharedMemoryRegistry({
      allowed: true,
      logger: silentLogger,
      cuda: () => driver,
    });
    return { registry, asked };
  }

  it('is read and written like system memory, and never in place', async () => {
    const content = Buffer.from('abcdefghijklmnop');
    const { registry, asked } = fakeCuda(content);
    registry.registerCuda('g', Buffer.from('handle'), 1, 16);
    expect(registry.cudaStatus('')).toMatchObject([{ name: 'g', deviceId: 1, byteSize: 16 }]);
    const use = registry.use(true);
    const input = use.input({ region: 'g', offset: 4, byteSize: 4 }, 'FP32');
    expect(Buffer.from(input).toString()).toBe('efgh');
    const range = { region: 'g', offset: 8, byteSize: 8 };
    expect(use.outputMemory(range, 'FP32', 8)).toBeNull();
    await use.write([{ name: 'O', range, data: Buffer.from('ABCD') }]);
    expect(content.toString()).toBe('abcdefghABCDmnop');
    registry.unregisterCuda('g');
    expect(asked).toEqual(['open handle on 1']);
    use.release();
    // What the driver says to that is nobody's fault: the region is gone all the same.
    expect(asked).toEqual(['open handle on 1', 'close']);
    expect(registry.cudaStatus('')).toEqual([]);
  });

  it('is refused where it is smaller than was said, and closed again', () => {
    const { registry, asked } = fakeCuda(Buffer.alloc(16));
    const text = "INVALID_ARG failed to register shared memory region 'g': invalid args";
    expect(fault(() => registry.registerCuda('g', Buffer.alloc(64), 0, 17))).toBe(text);
    expect(asked.at(-1)).toBe('close');
  });
});
