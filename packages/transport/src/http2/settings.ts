import { ErrorCode, FrameFlag, FrameType, Http2ConnectionError, windowBytesMax } from './frame.ts';
import type { FrameOutput } from './frame-output.ts';
import type { Http2Limits } from './http2-limits.ts';

/** RFC 9113 section 6.5.2. */
const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

const settingBytes = 6;

/** Takes the settings of a peer that concern us, as they come. */
export interface SettingsTarget {
  headerTableBytes(bytes: number): void;
  pushEnabled(enabled: boolean): void;
  streamsMax(count: number): void;
  initialWindowBytes(bytes: number): void;
  frameBytesMax(bytes: number): void;
}

/** @throws Http2ConnectionError */
export function readSettings(
  bytes: Buffer,
  start: number,
  end: number,
  target: SettingsTarget,
): void {
  if ((end - start) % settingBytes !== 0) {
    throw new Http2ConnectionError(ErrorCode.frameSizeError, 'a piece of a setting');
  }
  for (let at = start; at < end; at += settingBytes) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case Setting.headerTableSize:
        target.headerTableBytes(value);
        break;
      case Setting.enablePush:
        if (value > 1) throw invalid(ErrorCode.protocolError, 'ENABLE_PUSH', value);
        target.pushEnabled(value === 1);
        break;
      case Setting.maxConcurrentStreams:
        target.streamsMax(value);
        break;
      case Setting.initialWindowSize:
        if (value > windowBytesMax) {
          throw invalid(ErrorCode.flowControlError, 'INITIAL_WINDOW_SIZE', value);
        }
        target.initialWindowBytes(value);
        break;
      case Setting.maxFrameSize:
        if (value < 16_384 || value >= 2 ** 24) {
          throw invalid(ErrorCode.protocolError, 'MAX_FRAME_SIZE', value);
        }
        target.frameBytesMax(value);
        break;
      default:
      // Section 6.5.2: unknown ones are ignored. Headers larger than the peer likes it may refuse itself.
    }
  }
}

function invalid(code: number, name: string, value: number): Http2ConnectionError {
  return new Http2ConnectionError(code, `${name} of ${value}`);
}

/** Says what holds for the peer. @param side A server says how many streams it takes, a client that it takes none. */
export function sendSettings(
  output: FrameOutput,
  limits: Http2Limits,
  side: 'server' | 'client',
): void {
  const settings = [
    [Setting.headerTableSize, limits.headerTableBytesMax],
    side === 'server' ? [Setting.maxConcurrentStreams, limits.streamsMax] : [Setting.enablePush, 0],
    [Setting.initialWindowSize, limits.streamWindowBytes],
    [Setting.maxFrameSize, limits.frameBytesMax],
    [Setting.maxHeaderListSize, limits.headerListBytesMax],
  ] as const;
  output.frame(FrameType.settings, 0, 0, settings.length * settingBytes);
  for (const [id, value] of settings) {
    output.uint16(id);
    output.uint32(value);
  }
}

/** Says that frames may be larger from now on. */
export function sendFrameBytesMax(output: FrameOutput, frameBytesMax: number): void {
  output.frame(FrameType.settings, 0, 0, settingBytes);
  output.uint16(Setting.maxFrameSize);
  output.uint32(frameBytesMax);
}

export function acknowledgeSettings(output: FrameOutput): void {
  output.frame(FrameType.settings, FrameFlag.ack, 0, 0);
}
