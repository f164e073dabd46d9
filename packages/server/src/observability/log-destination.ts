import { closeSync, openSync, writeSync } from 'node:fs';

/** Where log lines end up. Never throws: a log that cannot be written must not stop the server. */
export interface LogDestination {
  write(text: string): void;
  /** Goes on in a new file where the old one was moved away; nothing where that is no file. */
  reopen(): void;
  close(): void;
}

/** The part of process.stdout and process.stderr that is used. */
export interface LogStream {
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Streams whose errors are taken over: a process may make many logs, and each stream is listened to once. */
const guarded = new WeakSet<LogStream>();

/**
 * A console stream. Takes its errors over for good: without a listener a closed pipe (EPIPE) would
 * end the process. Lines that cannot be written are lost.
 */
export function streamDestination(stream: LogStream): LogDestination {
  if (!guarded.has(stream)) {
    guarded.add(stream);
    stream.on('error', () => {});
  }
  return {
    write(text) {
      try {
        stream.write(text);
      } catch {
        // A stream that is destroyed may throw; the line is lost.
      }
    },
    reopen() {},
    close() {},
  };
}

/**
 * A file, appended to. Written synchronously: lines keep their order and none is lost in a crash.
 * Owned by the caller until `close`.
 * @throws Error of the file system when it cannot be opened
 */
export function openLogFile(path: string): LogDestination {
  let descriptor: number | null = openSync(path, 'a');
  return {
    write(text) {
      if (descriptor === null) return;
      try {
        writeSync(descriptor, text);
      } catch {
        // A full disk loses lines until there is room again.
      }
    },
    reopen() {
      if (descriptor === null) return;
      let opened: number;
      try {
        opened = openSync(path, 'a');
      } catch {
        // The folder may be gone: the moved file is better than none.
        return;
      }
      closeSync(descriptor);
      descriptor = opened;
    },
    close() {
      if (descriptor === null) return;
      closeSync(descriptor);
      descriptor = null;
    },
  };
}
