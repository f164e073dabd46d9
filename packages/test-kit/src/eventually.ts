/** Long enough for a machine that does much else: it is only waited for where something is broken. */
const waitMsDefault = 30_000;
const retryMs = 20;

/** Waits until `check` holds; throws when it takes longer. */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  waitMs: number = waitMsDefault,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not so after ${waitMs} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
