// Reads and writes a mapped object while another process shrinks and grows it, until pages were lost so
// often; arguments: its key, how often. With `unguarded` it touches a lost page that is nobody's; with `kill` it gets a SIGBUS from outside.
import { truncateSync } from 'node:fs';
import { guardedRanges } from '../guarded-ranges.ts';
import { SharedMemoryObject } from '../shared-memory-object.ts';

const [key = '', times = '0', manner = 'guarded'] = process.argv.slice(2);
const object = SharedMemoryObject.open(key);
const mapping = object.map(0, object.byteSize);
if (mapping === null) throw new Error('cannot be mapped here');
process.stdout.write('ready\n');
if (manner === 'kill') {
  process.kill(process.pid, 'SIGBUS');
} else if (manner === 'unguarded') {
  // As if the slot were another's.
  guardedRanges().remove(0);
  truncateSync(`/dev/shm${key}`, 0);
  process.stdout.write(`${mapping.bytes[5000]}\n`);
} else {
  let lost = 0;
  const deadline = Date.now() + 20_000;
  for (let round = 0; lost < Number(times) && Date.now() < deadline; round++) {
    let sum = 0;
    for (let at = 0; at < mapping.bytes.length; at += 4096) sum += mapping.bytes[at] as number;
    mapping.bytes.fill(round, 0, 100_000);
    if (sum > mapping.bytes.length * 255) throw new Error('impossible');
    if (mapping.lost) {
      lost++;
      mapping.restore();
    }
  }
  process.stdout.write(`survived, lost in ${lost}\n`);
}
