import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyModelConfig } from './message-value.ts';
import { parseModelConfigText } from './text-format.ts';
import { modelConfigToText } from './text-output.ts';

const written = `name: "detector"
backend: "onnxruntime"
version_policy {
  specific {
    versions: [ 1, 3 ]
  }
}
max_batch_size: 8
input [
  {
    name: "images"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, -1, 640 ]
  },
  {
    name: "mask"
    data_type: TYPE_BOOL
    dims: [ 1 ]
    reshape { }
  }
]
sequence_batching {
  direct {
    minimum_slot_utilization: 0.1
  }
}
parameters {
  key: "quote\\"d"
  value {
    string_value: "two\\nlines"
  }
}
`;

describe('modelConfigToText', () => {
  it('writes what reading it gave', () => {
    expect(modelConfigToText(parseModelConfigText(written, 'config.pbtxt'))).toBe(written);
  });

  it('writes nothing of an empty configuration', () => {
    expect(modelConfigToText(emptyModelConfig())).toBe('');
  });

  it('keeps members of a choice that hold their default', () => {
    const text =
      'model_warmup [\n  {\n    inputs {\n      key: "x"\n      value {\n        zero_data: false\n      }\n    }\n  }\n]\n';
    expect(modelConfigToText(parseModelConfigText(text, 'config.pbtxt'))).toBe(text);
  });

  it('keeps any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const config = { ...emptyModelConfig(), name, metric_tags: new Map([[name, name]]) };
        fc.pre(!/\0|\p{Surrogate}/u.test(name));
        expect(parseModelConfigText(modelConfigToText(config), 'config.pbtxt')).toEqual(config);
      }),
    );
  });
});
