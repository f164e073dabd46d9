import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { emptyModelConfig, type ModelConfig, TritonError } from '@nereid/protocol';
import { FakeServedModel } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConversation } from './chat-messages.ts';
import { chatPromptOf } from './chat-prompt.ts';
import { RequestError } from './request-error.ts';
import { type JsonFields, RequestFields } from './request-fields.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nereid-template-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const chatMl = `{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`;

const strict = `{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}`;

const looking = `{% for message in messages %}{{ message.role }}: {% for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}\n{% endfor %}`;

const thinking = `{% for m in messages %}{{ m.content }}{% endfor %}{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}{{ messages | length }}`;

const text = (name: string): ModelConfig['input'][number] => ({
  name,
  data_type: 'TYPE_STRING',
  format: 'FORMAT_NONE',
  dims: [1],
  reshape: null,
  is_shape_tensor: false,
  allow_ragged_batch: false,
  optional: false,
  is_non_linear_format_io: false,
});

function model(
  files: Record<string, string | object>,
  parameter: string | null = null,
): FakeServedModel {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  const output = { ...text('text_output'), label_filename: '' };
  const parameters =
    parameter === null ? [] : [['chat_template', { string_value: parameter }] as const];
  return new FakeServedModel({
    directory,
    config: {
      ...emptyModelConfig(),
      input: [text('text_input')],
      output: [output],
      parameters: new Map(parameters),
    },
  });
}

const turns = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is' },
      { type: 'text', text: 'this?' },
    ],
  },
];
const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };

async function render(
  served: FakeServedModel,
  messages: readonly object[] = turns,
  variables: JsonFields = {},
  tools: readonly object[] | null = null,
): Promise<string> {
  const conversation = readConversation(new RequestFields({ messages }));
  return (await chatPromptOf(served))(conversation, tools, variables);
}

describe('the prompt of a conversation', () => {
  it('without a template', async () => {
    expect(await render(model({}))).toBe(
      'User: Hi\nAssistant: Hello\nUser: What is\nthis?\nAssistant:',
    );
    const asked = [{ role: 'developer', content: 'Be brief.' }, turns[0] as object];
    expect(await render(model({}), asked)).toBe('System: Be brief.\nUser: Hi\nAssistant:');
  });

  it('by the parameter of the model, before its files', async () => {
    expect(await render(model({ 'chat_template.jinja': 'no' }, chatMl), turns.slice(0, 1))).toBe(
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('by tokenizer_config.json, with its special tokens', async () => {
    const settings = {
      chat_template: strict,
      bos_token: '<s>',
      eos_token: { content: '</s>', special: true },
      added_tokens_decoder: {},
    };
    const expected = '<s>[INST] Hi [/INST]Hello</s>[INST] What is\nthis? [/INST]';
    expect(await render(model({ 'tokenizer_config.json': settings }))).toBe(expected);
    const named = {
      ...settings,
      chat_template: [
        { name: 'rag', template: 'no' },
        { name: 'default', template: strict },
      ],
    };
    // The folder of the version goes before that of the model.
    expect(await render(model({ '1/tokenizer_config.json': named }))).toBe(expected);
  });

  it('by a file of its own, with the tokens of the tokenizer', async () => {
    const files = {
      '1/chat_template.jinja': strict,
      'tokenizer_config.json': { chat_template: 'no', bos_token: '^', eos_token: '$' },
    };
    expect(await render(model(files), turns.slice(0, 2))).toBe('^[INST] Hi [/INST]Hello$');
  });

  it('with pictures for templates that look for them', async () => {
    const asked = [{ role: 'user', content: [picture, { type: 'text', text: 'What is this?' }] }];
    expect(await render(model({}, looking), asked)).toBe('user: <image>What is this?');
    expect(await render(model({}, looking), [{ role: 'user', content: 'Hi' }])).toBe('user: Hi');
  });

  it('with the client’s own variables, which replace none of the others', async () => {
    const variables = { enable_thinking: false, messages: [], add_generation_prompt: 1n };
    expect(await render(model({}, thinking), turns.slice(0, 1), variables)).toBe(
      'Hi<think></think>1',
    );
  });

  it('with calls of tools', async () => {
    const called = `{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name }}({{ c.function.arguments | tojson }}){% endfor %}{{ m.content }}{% endfor %}`;
    const call = { id: '1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const asked = [
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: '1', content: ' is 2' },
    ];
    expect(await render(model({}, called), asked)).toBe('f({"a": 1}) is 2');
    expect(await render(model({}), asked)).toContain('{"name":"f","arguments":{"a":1}}');
  });

  it('is refused in the words of the template', async () => {
    const asked = render(model({}, strict), [turns[1] as object]);
    await expect(asked).rejects.toThrow(/Conversation roles must alternate/u);
    await expect(asked).rejects.toBeInstanceOf(RequestError);
  });

  it('is the server’s fault where the template is none, until it is mended', async () => {
    const broken = model({ 'chat_template.jinja': '{% for %}' });
    const asked = render(broken);
    await expect(asked).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(asked).rejects.toThrow(/the chat template of model 'model'/u);
    await expect(asked).rejects.not.toBeInstanceOf(RequestError);
    writeFileSync(join(directory, 'chat_template.jinja'), 'mended');
    expect(await render(broken)).toBe('mended');
    const settings = render(model({ 'tokenizer_config.json': '{' }));
    await expect(settings).rejects.toBeInstanceOf(TritonError);
  });
});
