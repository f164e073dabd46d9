/**
 * Starts a process that would live for ten minutes, prints its process id, and leaves it behind: at once, or, with
 * the argument `wait`, when it is ended itself.
 */
import { spawn } from 'node:child_process';
import { boundChild } from '../bound-child.ts';

const child = boundChild(spawn('sleep', ['600'], { stdio: 'ignore' }));
child.unref();
console.log(child.pid);
if (process.argv[2] === 'wait') setInterval(() => {}, 60_000);
