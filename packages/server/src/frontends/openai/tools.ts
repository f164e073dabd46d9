import { jsonText } from './json-text.ts';
import { RequestError, unsupported } from './request-error.ts';
import { objectOf, RequestFields } from './request-fields.ts';
import type { Guide } from './response-format.ts';
import type { ToolCallParser } from './tool-call-parser.ts';

/** Holds a model to the arguments of a function: its text is the call. */
export interface ToolGuide extends Guide {
  readonly functionName: string;
}

/** What a request says of tools. At most one of `guide` and `parser` is there. */
export interface ToolUse {
  /** The tools as chat templates see them; null for none. */
  readonly shown: readonly unknown[] | null;
  readonly guide: ToolGuide | null;
  /** Finds the calls in what the model writes of its own accord. */
  readonly parser: ToolCallParser | null;
}

const noTools: ToolUse = { shown: null, guide: null, parser: null };

/**
 * Reads `tools` and `tool_choice`.
 * @param parser Of the model; null for one whose text is not searched for calls.
 * @throws RequestError
 */
export function readTools(fields: RequestFields, parser: ToolCallParser | null): ToolUse {
  if (fields.has('functions') || fields.has('function_call')) {
    throw unsupported('functions', "functions are not supported: use 'tools'.");
  }
  const shown = fields.array('tools') ?? [];
  const tools = shown.map((tool, index) => readTool(tool, index));
  const choice = fields.value('tool_choice') ?? 'auto';
  if (choice === 'none' || (choice === 'auto' && tools.length === 0)) return noTools;
  if (choice === 'auto' && parser !== null) return { shown, guide: null, parser };
  const name = chosenName(choice, tools);
  const guide = tools.find(({ functionName }) => functionName === name);
  if (guide !== undefined) return { shown, guide, parser: null };
  const text = `Tool '${name}' has not been passed in 'tools'.`;
  throw new RequestError(text, 'tool_choice', 'invalid_value');
}

function chosenName(choice: unknown, tools: readonly ToolGuide[]): string {
  if (choice === 'required' && tools.length === 1) return (tools[0] as ToolGuide).functionName;
  if (typeof choice === 'object' && choice !== null) {
    const named = new RequestFields(objectOf(choice, 'tool_choice'), 'tool_choice.');
    return named.object('function')?.requiredText('name') ?? '';
  }
  throw unsupported(
    'tool_choice',
    "What this model writes is not searched for calls of tools (its configuration has no parameter 'tool_call_parser'): 'tool_choice' has to be 'none', name a function, or be 'required' with one tool.",
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
    schema: jsonText(fields.value('parameters') ?? { type: 'object' }),
  };
}
