import koffi from 'koffi';
import { addressNumberOf, allocateAligned, keepAlive } from './memory.ts';
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  mapMemory,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  systemMemory,
} from './system-memory.ts';

/** Slots of the table that the handler reads: `start`, `end`, `lost`, one word unused. */
export const SLOT_WORDS = 4;

const SIGBUS = 7;
const SA_SIGINFO = 4;
const SA_ONSTACK = 0x0800_0000;
/** `struct sigaction` of glibc and musl on x86-64: handler, mask of 128 bytes, flags, restorer. */
const SIGACTION_BYTES = 152;
const SIGACTION_FLAGS_AT = 136;
const PAGE_BYTES = 4096;

function bytesOf(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

/**
 * A handler of SIGBUS for x86-64 Linux, as machine code: `void handler(int, siginfo_t *, void *)`.
 * It must not be JavaScript: the signal comes on whatever thread touched the page. It calls the kernel
 * and nothing else, which is all that a handler may do there.
 *
 * A fault on a page between `start` and `end` of a slot of the table gets an empty page of our own in
 * the place of the lost one, the slot's `lost` becomes 1, and the access is done again. Every other
 * SIGBUS ends the process, as it would without a handler.
 */
function handlerCode(table: number): Buffer {
  return Buffer.from([
    ...[0xf3, 0x0f, 0x1e, 0xfa], //                    endbr64
    ...[0x83, 0x7e, 0x08, 0x00], //                    cmp    dword [rsi+8], 0     si_code
    ...[0x7e, 0x64], //                                jle    other                sent by kill()
    ...[0x48, 0x8b, 0x7e, 0x10], //                    mov    rdi, [rsi+16]        si_addr
    ...[0x49, 0xb8, ...bytesOf(BigInt(table))], //     mov    r8, table
    ...[0x4d, 0x8b, 0x08], //                          mov    r9, [r8]             slots in use
    // next:
    ...[0x49, 0x83, 0xc0, 0x20], //                    add    r8, 32
    ...[0x4d, 0x85, 0xc9], //                          test   r9, r9
    ...[0x74, 0x4a], //                                jz     other
    ...[0x49, 0xff, 0xc9], //                          dec    r9
    ...[0x49, 0x3b, 0x38], //                          cmp    rdi, [r8]            start
    ...[0x72, 0xef], //                                jb     next
    ...[0x49, 0x3b, 0x78, 0x08], //                    cmp    rdi, [r8+8]          end
    ...[0x73, 0xe9], //                                jae    next
    ...[0x48, 0x81, 0xe7, 0x00, 0xf0, 0xff, 0xff], //  and    rdi, -4096
    ...[0x41, 0x50], //                                push   r8
    ...[0x57], //                                      push   rdi
    ...[0xbe, 0x00, 0x10, 0x00, 0x00], //              mov    esi, 4096
    ...[0xba, 0x03, 0x00, 0x00, 0x00], //              mov    edx, PROT_READ | PROT_WRITE
    ...[0x41, 0xba, 0x32, 0x00, 0x00, 0x00], //        mov    r10d, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
    ...[0x49, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff], //  mov    r8, -1
    ...[0x45, 0x31, 0xc9], //                          xor    r9d, r9d
    ...[0xb8, 0x09, 0x00, 0x00, 0x00], //              mov    eax, SYS_mmap
    ...[0x0f, 0x05], //                                syscall
    ...[0x5f], //                                      pop    rdi
    ...[0x41, 0x58], //                                pop    r8
    ...[0x48, 0x39, 0xf8], //                          cmp    rax, rdi
    ...[0x75, 0x09], //                                jne    other
    ...[0x49, 0xc7, 0x40, 0x10, 0x01, 0, 0, 0], //     mov    qword [r8+16], 1     lost
    ...[0xc3], //                                      ret
    // other: SIGBUS does again what it does by default, and is raised; it waits for our return.
    ...[0xbf, 0x07, 0x00, 0x00, 0x00], //              mov    edi, SIGBUS
    ...[0x48, 0xbe, ...bytesOf(BigInt(table + 8))], // mov    rsi, table + 8       SIG_DFL, no flags
    ...[0x31, 0xd2], //                                xor    edx, edx
    ...[0x41, 0xba, 0x08, 0x00, 0x00, 0x00], //        mov    r10d, 8              size of a mask
    ...[0xb8, 0x0d, 0x00, 0x00, 0x00], //              mov    eax, SYS_rt_sigaction
    ...[0x0f, 0x05], //                                syscall
    ...[0xb8, 0x27, 0x00, 0x00, 0x00], //              mov    eax, SYS_getpid
    ...[0x0f, 0x05], //                                syscall
    ...[0x89, 0xc7], //                                mov    edi, eax
    ...[0xb8, 0xba, 0x00, 0x00, 0x00], //              mov    eax, SYS_gettid
    ...[0x0f, 0x05], //                                syscall
    ...[0x89, 0xc6], //                                mov    esi, eax
    ...[0xba, 0x07, 0x00, 0x00, 0x00], //              mov    edx, SIGBUS
    ...[0xb8, 0xea, 0x00, 0x00, 0x00], //              mov    eax, SYS_tgkill
    ...[0x0f, 0x05], //                                syscall
    ...[0xc3], //                                      ret
  ]);
}

/**
 * Installs the handler, once in the life of the process.
 *
 * @param table Address of the table: one word with the number of slots in use and three words of
 *   zeros, then the slots. Never moves and is never freed.
 * @returns False where that cannot be done: not on Linux on x86-64, where memory may not be made
 *   executable, or where somebody else already handles the signal.
 */
export function installBusErrorHandler(table: number): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  const current = allocateAligned(SIGACTION_BYTES);
  const { mprotect, sigaction } = systemMemory();
  if (sigaction(SIGBUS, 0, addressNumberOf(current)) !== 0) return false;
  if (current.readBigUInt64LE(0) !== 0n) return false;
  const protection = PROT_READ | PROT_WRITE;
  const page = mapMemory(0, PAGE_BYTES, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page === null) return false;
  new Uint8Array(koffi.view(BigInt(page), PAGE_BYTES)).set(handlerCode(table));
  if (mprotect(page, PAGE_BYTES, PROT_READ | PROT_EXEC) !== 0) return false;
  const action = allocateAligned(SIGACTION_BYTES).fill(0);
  action.writeBigUInt64LE(BigInt(page), 0);
  action.writeInt32LE(SA_SIGINFO | SA_ONSTACK, SIGACTION_FLAGS_AT);
  const installed = sigaction(SIGBUS, addressNumberOf(action), 0) === 0;
  keepAlive(current, action);
  return installed;
}
