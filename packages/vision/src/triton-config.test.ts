import { describe, expect, it } from 'vitest';
import { TritonConfig } from './triton-config.ts';
import { ConfigurationError } from './vision-error.ts';

describe('TritonConfig.fromEnv', () => {
  it('has the documented defaults', () => {
    expect({ ...TritonConfig.fromEnv({}) }).toEqual({
      enabled: false,
      url: 'localhost:8001',
      httpUrl: 'localhost:8000',
      protocol: 'grpc',
      timeoutSeconds: 60,
      model: 'yolo26',
      maxRetries: 3,
      confidenceThreshold: 0.5,
      verbose: false,
    });
  });

  it('reads every variable', () => {
    const config = TritonConfig.fromEnv({
      TRITON_ENABLED: 'TRUE',
      TRITON_URL: 'grpcs://triton.example:443',
      TRITON_HTTP_URL: 'https://[::1]:8000/triton',
      TRITON_PROTOCOL: 'HTTP',
      TRITON_TIMEOUT: '2.5',
      TRITON_MODEL: 'yolo11',
      TRITON_MAX_RETRIES: '0',
      TRITON_CONFIDENCE_THRESHOLD: '.25',
      TRITON_VERBOSE: 'on',
    });
    expect({ ...config }).toEqual({
      enabled: true,
      url: 'grpcs://triton.example:443',
      httpUrl: 'https://[::1]:8000/triton',
      protocol: 'http',
      timeoutSeconds: 2.5,
      model: 'yolo11',
      maxRetries: 0,
      confidenceThreshold: 0.25,
      verbose: true,
    });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(TritonConfig.fromEnv({ TRITON_URL: '', TRITON_TIMEOUT: ' ' })).toEqual(
      TritonConfig.fromEnv({}),
    );
  });

  it.each([
    ['TRITON_ENABLED', 'maybe', 'true or false'],
    ['TRITON_URL', 'localhost:port', 'the address of a server, as localhost:8001'],
    ['TRITON_HTTP_URL', 'ftp://host', 'the address of a server, as localhost:8000'],
    ['TRITON_PROTOCOL', 'udp', 'grpc or http'],
    ['TRITON_TIMEOUT', '0', 'a number of seconds above 0'],
    ['TRITON_TIMEOUT', '60s', 'a number of seconds above 0'],
    ['TRITON_TIMEOUT', 'NaN', 'a number of seconds above 0'],
    ['TRITON_MODEL', 'a/b', 'the name of a model'],
    ['TRITON_MAX_RETRIES', '-1', 'a whole number from 0 to 100'],
    ['TRITON_MAX_RETRIES', '1.5', 'a whole number from 0 to 100'],
    ['TRITON_CONFIDENCE_THRESHOLD', '50', 'a number from 0 to 1'],
  ])('names the variable and its value: %s=%s', (variable, value, expected) => {
    const read = (): TritonConfig => TritonConfig.fromEnv({ [variable]: value });
    expect(read).toThrow(new ConfigurationError(variable, value, expected));
    expect(read).toThrow(`${variable} must be ${expected}, not '${value}'`);
  });

  it('checks what code gives, too', () => {
    expect(new TritonConfig({ enabled: true, model: 'm' }).model).toBe('m');
    expect(() => new TritonConfig({ confidenceThreshold: 2 })).toThrow(
      "confidenceThreshold must be a number from 0 to 1, not '2'",
    );
  });
});
