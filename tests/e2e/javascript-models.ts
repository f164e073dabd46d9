/** `config.pbtxt` of a JavaScript model: X [-1] in, Y [-1] out, of one type, without batching. */
export function javascriptConfig(extra = '', dataType = 'INT32'): string {
  return `backend: "javascript"
max_batch_size: 0
input [ { name: "X" data_type: TYPE_${dataType} dims: [ -1 ] } ]
output [ { name: "Y" data_type: TYPE_${dataType} dims: [ -1 ] } ]
${extra}`;
}

/** `model.js` whose `execute` answers each request with what `body` makes of `x`, an array, and `request`. */
export function javascriptModel(body: string, rest = ''): string {
  return `export async function execute(requests, context) {
  return Promise.all(requests.map(async (request) => {
    const x = request.input('X').data;
    let y = x;
    ${body}
    return { outputs: [{ name: 'Y', data: y }] };
  }));
}
${rest}`;
}

/** An inference over HTTP: X in, Y out, in JSON. */
export async function inferJson(
  url: string,
  model: string,
  data: readonly (number | string)[],
  options: { readonly signal?: AbortSignal; readonly dataType?: string } = {},
): Promise<{ status: number; error: string; data: readonly (number | string)[] }> {
  const answer = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    signal: options.signal ?? null,
    body: JSON.stringify({
      inputs: [{ name: 'X', shape: [data.length], datatype: options.dataType ?? 'INT32', data }],
    }),
  });
  const json = (await answer.json()) as { error?: string; outputs?: { data: number[] }[] };
  return { status: answer.status, error: json.error ?? '', data: json.outputs?.[0]?.data ?? [] };
}

/** Loads or unloads a model. @returns the server's error, '' for none */
export async function control(
  url: string,
  model: string,
  verb: 'load' | 'unload',
): Promise<string> {
  const answer = await fetch(`${url}/v2/repository/models/${model}/${verb}`, { method: 'POST' });
  return answer.text();
}
