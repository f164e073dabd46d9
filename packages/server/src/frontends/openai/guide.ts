import { RequestError, unsupported } from './request-error.ts';
import { objectOf, RequestFields } from './request-fields.ts';

/** What a model's text has to be. */
export interface Guide {
  /** The member of the request that asks for it. */
  readonly param: string;
  /** A JSON schema as text; null for any JSON. */
  readonly schema: string | null;
}

/** Asks for the arguments of a function: the answer is its call. */
export interface ToolGuide extends Guide {
  readonly functionName: string;
}

/** Reads `response_format`. @throws RequestError */
export function readResponseFormat(fields: RequestFields): Guide | null {
  const format = fields.object('response_format');
  if (format === null) return null;
  const param = 'response_format';
  const type = format.requiredText('type');
  if (type === 'text') return null;
  if (type === 'json_object') return { param, schema: null };
  if (type !== 'json_schema') {
    const text = `Invalid value for 'response_format.type': expected 'text', 'json_object' or 'json_schema'.`;
    throw new RequestError(text, 'response_format.type', 'invalid_value');
  }
  return { param, schema: schemaText(format.object('json_schema')?.value('schema') ?? {}) };
}

/**
 * Reads `tools` and `tool_choice`. What a model writes of its own accord is not parsed for calls: a call
 * is made where the request says which one, and the model can be held to its arguments.
 * @throws RequestError
 */
export function readToolGuide(fields: RequestFields): ToolGuide | null {
  if (fields.has('functions') || fields.has('function_call')) {
    throw unsupported('functions', "functions are not supported: use 'tools'.");
  }
  const tools = (fields.array('tools') ?? []).map((tool, index) => readTool(tool, index));
  const name = chosenTool(fields, tools);
  if (name === null) return null;
  const tool = tools.find((other) => other.functionName === name);
  if (tool !== undefined) return tool;
  const text = `Tool '${name}' has not been passed in 'tools'.`;
  throw new RequestError(text, 'tool_choice', 'invalid_value');
}

function chosenTool(fields: RequestFields, tools: readonly ToolGuide[]): string | null {
  const choice = fields.value('tool_choice');
  if (choice === 'none' || (tools.length === 0 && (choice === null || choice === 'auto'))) {
    return null;
  }
  if (choice === 'required' && tools.length === 1) return (tools[0] as ToolGuide).functionName;
  if (typeof choice === 'object' && choice !== null) {
    const named = new RequestFields(objectOf(choice, 'tool_choice'), 'tool_choice.');
    return named.object('function')?.requiredText('name') ?? '';
  }
  throw unsupported(
    'tool_choice',
    "No model's text is searched for calls of tools: 'tool_choice' has to be 'none', name a function, or be 'required' with one tool.",
  );
}

function readTool(tool: unknown, index: number): ToolGuide {
  const path = `tools[${index}]`;
  const fields = new RequestFields(objectOf(tool, path), `${path}.`).object('function');
  if (fields === null) {
    throw new RequestError(`Invalid value for '${path}': expected a function.`, path);
  }
  return {
    param: 'tool_choice',
    functionName: fields.requiredText('name'),
    schema: schemaText(fields.value('parameters') ?? { type: 'object' }),
  };
}

function schemaText(schema: unknown): string {
  return JSON.stringify(schema, (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}
