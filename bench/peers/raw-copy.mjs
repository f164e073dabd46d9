// A bare node:net server: takes so many bytes into memory and writes so many of them back. Nothing
// that answers a tensor with a tensor over a socket can do less. Prints its port.
// Usage: raw-copy.mjs REQUEST_BYTES ANSWER_BYTES
import { createServer } from 'node:net';

const [requestBytes, answerBytes] = process.argv.slice(2).map(Number);

const server = createServer({ noDelay: true }, (socket) => {
  let memory = Buffer.allocUnsafeSlow(Math.max(requestBytes, answerBytes));
  let received = 0;
  socket.on('data', (chunk) => {
    chunk.copy(memory, received);
    received += chunk.length;
    if (received < requestBytes) return;
    received = 0;
    socket.write(memory.subarray(0, answerBytes));
    // As any server must whose answers outlive the request.
    memory = Buffer.allocUnsafeSlow(Math.max(requestBytes, answerBytes));
  });
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
