// A bare node:http server that parses the JSON it is sent and answers with it: what any JSON API on
// Node costs before it does anything. Prints its port.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const value = JSON.parse(Buffer.concat(chunks).toString());
    const body = JSON.stringify(value);
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
