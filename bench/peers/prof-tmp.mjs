import { GrpcClient, tensor } from '@nereid/client';
const values = Int32Array.from({ length: 16 }, (_, i) => i);
const client = new GrpcClient('127.0.0.1:21001');
const infer = async () => {
  const inputs = { INPUT0: tensor('INT32', [1, 16], values), INPUT1: tensor('INT32', [1, 16], values) };
  (await client.infer('simple', inputs)).output('OUTPUT0', 'INT32');
};
for (let i = 0; i < 3000; i++) await infer();
const c0 = process.cpuUsage();
for (let i = 0; i < 30000; i++) await infer();
const c = process.cpuUsage(c0);
console.log('user', c.user / 30000, 'sys', c.system / 30000);
await client.close();
