import { doctor } from './doctor/doctor.ts';

/** The command line `nereid doctor ARGUMENTS…`. */
export async function main(argv: readonly string[]): Promise<void> {
  const { output, status } = await doctor(argv, process.env);
  process.stdout.write(output);
  process.exitCode = status;
}
