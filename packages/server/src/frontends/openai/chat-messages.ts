import { parseJson } from '@nereid/protocol';
import { decodeDataUri } from './data-uri.ts';
import { RequestError, unsupported } from './request-error.ts';
import { objectOf, RequestFields } from './request-fields.ts';

/** A piece of a message, as chat templates know it. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' };

/** A message, as chat templates know it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly ContentPart[];
  readonly name: string | null;
  readonly toolCallId: string | null;
  /** Calls of tools that the assistant made: name and arguments. */
  readonly toolCalls: readonly ToolCall[];
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** What the text of the arguments says, where it is JSON. */
  readonly arguments: unknown;
}

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  /** Of all messages, in their order: bytes of PNG, JPEG and the like. */
  readonly images: readonly Uint8Array[];
}

/** As OpenAI bounds them. */
const messagesMax = 2048;
const partsMax = 1024;
const imagesMax = 64;
const toolCallsMax = 128;

const roles: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  // Chat templates know no such role.
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
};

/** Reads `messages`. @throws RequestError */
export function readConversation(fields: RequestFields): Conversation {
  const given = fields.array('messages');
  if (given === null || given.length === 0) {
    const text = "Missing required parameter: 'messages'.";
    throw new RequestError(text, 'messages', 'missing_required_parameter');
  }
  refuseTooMany('messages', given.length, messagesMax);
  const images: Uint8Array[] = [];
  const messages = given.map((message, index) => readMessage(message, index, images));
  return { messages, images };
}

function readMessage(message: unknown, index: number, images: Uint8Array[]): ChatMessage {
  const path = `messages[${index}]`;
  const fields = new RequestFields(objectOf(message, path), `${path}.`);
  const role = fields.requiredText('role');
  const known = Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (known === undefined) {
    const names = Object.keys(roles).join("', '");
    const text = `Invalid value for '${path}.role': expected one of '${names}'.`;
    throw new RequestError(text, `${path}.role`, 'invalid_value');
  }
  const toolCalls = readToolCalls(fields);
  if (!fields.has('content') && toolCalls.length === 0 && known !== 'assistant') {
    const text = `Missing required parameter: '${path}.content'.`;
    throw new RequestError(text, `${path}.content`, 'missing_required_parameter');
  }
  return {
    role: known,
    parts: readContent(fields, images),
    name: fields.text('name'),
    toolCallId: fields.text('tool_call_id'),
    toolCalls,
  };
}

function readContent(fields: RequestFields, images: Uint8Array[]): readonly ContentPart[] {
  const content = fields.value('content');
  if (!Array.isArray(content)) {
    const text = fields.text('content');
    return text === null ? [] : [{ type: 'text', text }];
  }
  refuseTooMany(fields.param('content'), content.length, partsMax);
  return content.map((part: unknown, index) => {
    const path = `${fields.param('content')}[${index}]`;
    return readPart(new RequestFields(objectOf(part, path), `${path}.`), images);
  });
}

function readPart(fields: RequestFields, images: Uint8Array[]): ContentPart {
  const type = fields.requiredText('type');
  if (type === 'text') return { type: 'text', text: fields.requiredText('text') };
  if (type === 'refusal') return { type: 'text', text: fields.requiredText('refusal') };
  if (type !== 'image_url') {
    throw unsupported(fields.param('type'), `Content of type '${type}' is not supported.`);
  }
  refuseTooMany('messages', images.length + 1, imagesMax);
  const source = fields.object('image_url');
  const url = source?.requiredText('url') ?? fields.requiredText('image_url');
  images.push(decodeDataUri(url, fields.param('image_url.url')));
  return { type: 'image' };
}

function readToolCalls(fields: RequestFields): readonly ToolCall[] {
  const calls = fields.array('tool_calls') ?? [];
  refuseTooMany(fields.param('tool_calls'), calls.length, toolCallsMax);
  return calls.map((call, index) => {
    const path = `${fields.param('tool_calls')}[${index}]`;
    const members = new RequestFields(objectOf(call, path), `${path}.`);
    const called = members.object('function');
    return {
      id: members.text('id') ?? '',
      name: called?.requiredText('name') ?? '',
      arguments: readArguments(called?.text('arguments') ?? '{}'),
    };
  });
}

/** Chat templates want the arguments as values, as transformers gives them. */
function readArguments(text: string): unknown {
  try {
    return parseJson(Buffer.from(text));
  } catch {
    return text;
  }
}

function refuseTooMany(param: string, count: number, countMax: number): void {
  if (count <= countMax) return;
  throw new RequestError(
    `Invalid '${param}': ${count} elements, of which at most ${countMax} are taken.`,
    param,
    'array_above_max_length',
  );
}
