/** A call of a tool that was found in a text. */
export interface FoundCall {
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

/** How a family of models writes calls of tools. */
export interface ToolCallParser {
  /** Where calls begin, wherever in the text. */
  readonly marks: readonly string[];
  /** Where they begin when the text begins so. */
  readonly firstLetters: string;
  /** @param text From the mark, or first letter, on. @returns null for what is none after all. */
  parse(text: string): readonly FoundCall[] | null;
}

/** `<tool_call>{"name": …, "arguments": {…}}</tool_call>`: Hermes, Qwen and many more. */
const hermes: ToolCallParser = {
  marks: ['<tool_call>'],
  firstLetters: '',
  parse(text) {
    const calls = text
      .split('<tool_call>')
      .slice(1)
      .map((call) => callOf(parsed(call.slice(0, endOfJson(call)))));
    return allOf(calls);
  },
};

/** `{"name": …, "parameters": {…}}; {…}`, or the same after `<|python_tag|>`: Llama 3.1 to 3.3. */
const llama3: ToolCallParser = {
  marks: ['<|python_tag|>'],
  firstLetters: '{',
  parse(text) {
    const calls: (FoundCall | null)[] = [];
    for (let rest = text.replace('<|python_tag|>', '').trim(); rest !== ''; ) {
      const end = endOfJson(rest);
      calls.push(callOf(parsed(rest.slice(0, end))));
      rest = rest.slice(end).replace(/^\s*;?\s*/u, '');
    }
    return allOf(calls);
  },
};

/** `[TOOL_CALLS][{"name": …, "arguments": {…}}]`, or newer `[TOOL_CALLS]name{…}`: Mistral. */
const mistral: ToolCallParser = {
  marks: ['[TOOL_CALLS]'],
  firstLetters: '[',
  parse(text) {
    const calls = text.startsWith('[TOOL_CALLS]') ? text.slice('[TOOL_CALLS]'.length) : text;
    if (!calls.trimStart().startsWith('[')) return allOf(calls.split('[TOOL_CALLS]').map(named));
    const list = parsed(calls.slice(0, endOfJson(calls)));
    return Array.isArray(list) ? allOf(list.map(callOf)) : null;
  },
};

/** By the names that the parameter `tool_call_parser` has. */
export const toolCallParsers: ReadonlyMap<string, ToolCallParser> = new Map([
  ['hermes', hermes],
  ['llama3', llama3],
  ['mistral', mistral],
]);

function named(text: string): FoundCall | null {
  const at = text.indexOf('{');
  const name = text.slice(0, at).replace('[ARGS]', '').trim();
  return at < 0 ? null : callOf({ name, arguments: parsed(text.slice(at)) });
}

function callOf(value: unknown): FoundCall | null {
  if (typeof value !== 'object' || value === null) return null;
  const { name, arguments: args, parameters } = value as Record<string, unknown>;
  const given = args ?? parameters;
  if (typeof name !== 'string' || name === '' || given === undefined) return null;
  return { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) };
}

function allOf(calls: readonly (FoundCall | null)[]): readonly FoundCall[] | null {
  return calls.length > 0 && calls.every((call) => call !== null) ? calls : null;
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where the object or array that a text begins with is over; its length where it never is. */
function endOfJson(text: string): number {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (quoted) {
      if (letter === '\\') at++;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === '{' || letter === '[') depth++;
    else if ((letter === '}' || letter === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}
