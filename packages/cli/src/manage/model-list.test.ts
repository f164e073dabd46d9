import { describe, expect, it } from 'vitest';
import { parseModelList } from './model-list.ts';

const digest = 'ab'.repeat(32);

describe('parseModelList', () => {
  it('reads files, folders, versions and own names', () => {
    const text = `[models]
[[models.detector]]
repo_id = "example/detector"
revision = "281fafb4"
triton_version = 1
type = "single_file"
model_path = "weights/best.onnx"
[[models.detector]]
url = "s3://bucket/detector.onnx"
triton_version = 2
sha256 = "${digest.toUpperCase()}"
[[models.classifier]]
name = "classifier-3.0"
repo_id = "example/classifier"
type = "directory"
subfolder = "model.savedmodel"
local_name = "model.savedmodel"
`;
    const models = parseModelList(text, 'models.toml');
    expect(
      models.map(({ name, version, type, localName }) => [name, version, type, localName]),
    ).toEqual([
      ['detector', 1, 'single_file', 'model.onnx'],
      ['detector', 2, 'single_file', 'model.onnx'],
      ['classifier-3.0', 1, 'directory', 'model.savedmodel'],
    ]);
    expect(models[0]?.source).toEqual({
      kind: 'hugging-face',
      repoId: 'example/detector',
      revision: '281fafb4',
      path: 'weights/best.onnx',
    });
    expect(models[1]?.sha256.get('')).toBe(digest);
    expect(models[2]?.source).toMatchObject({ revision: 'main', path: 'model.savedmodel' });
  });

  it.each([
    ['x = 1', "models.toml: there is no table 'models'"],
    ['[models]\nx = 1', 'write each version of'],
    ['[[models.x]]', 'repo_id or url must be set'],
    ['[[models.x]]\nrepo_id = "a/b"', "model_path must be set if type is 'single_file'"],
    [
      '[[models.x]]\nrepo_id = "a/b"\ntype = "directory"',
      "subfolder must be set if type is 'directory'",
    ],
    ['[[models.x]]\nrepo_id = "a/b"\nmodel_path = "../x"', 'leads out of the repository'],
    ['[[models.x]]\nurl = "https://a/b"\nlocal_name = "/etc/x"', 'leads out of the model'],
    ['[[models.x]]\nurl = "https://a/b"\nname = "../x"', 'is no name of a folder'],
    ['[[models.x]]\nurl = "https://a/b"\nname = ".x"', 'is no name of a folder'],
    ['[[models.x]]\nurl = "https://a/b"\ntriton_version = 0', 'must be a whole number from 1 up'],
    ['[[models.x]]\nurl = "https://a/b"\nsha256 = "abc"', 'must be 64 hexadecimal digits'],
    [`[[models.x]]\nurl = "s3://a/b"\ntype = "directory"\nsha256 = "${digest}"`, 'must be a table'],
    [`[[models.x]]\nurl = "s3://a/b"\nsha256 = { a = "${digest}" }`, 'must be text'],
    ['[[models.x]]\nurl = "https://a/b"\nfiles = ["a"]', "is for type = 'directory'"],
    ['[[models.x]]\nurl = "https://a/b"\nrepo_id = "a/b"', 'exclude each other'],
    ['[[models.x]]\nurl = "https://a/b"\nlocalname = "x"', 'is no key: did you mean local_name?'],
    ['[[models.x]]\nurl = "https://a/b"\n[[models.x]]\nurl = "https://a/c"', 'is listed twice'],
    ['[[models.x]\n', 'models.toml:1:'],
  ])('refuses %j', (text, problem) => {
    expect(() => parseModelList(text, 'models.toml')).toThrow(problem);
  });
});
