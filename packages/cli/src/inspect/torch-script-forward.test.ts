import { describe, expect, it } from 'vitest';
import { classOfCode, torchScriptForward } from './torch-script-forward.ts';

const classText = (qualified: string): string =>
  qualified === '__torch__.Found'
    ? 'class Found(NamedTuple):\n  boxes : Tensor\n  scores : Tensor\n'
    : '';

function forward(given: string, result: string, body = 'return x') {
  const code = `class Before(Module):
  def forward(self: __torch__.Before,
    z: Tensor) -> Tensor:
    return z
class Net(Module):
  __parameters__ = []
  def other(self: __torch__.Net) -> Tensor:
    return 1
  def forward(self: __torch__.Net,
    ${given}) -> ${result}:
    ${body.replaceAll('\n', '\n    ')}
  def after(self: __torch__.Net) -> Dict[str, Tensor]:
    _0 = {"wrong": x}
    return _0
class After(Module):
  pass
`;
  const found = torchScriptForward(code, 'Net', classText);
  return {
    inputs: found?.inputs.map(({ name, optional }) => name + (optional === true ? '?' : '')),
    outputs: found?.outputs.map(({ name }) => name),
    notes: found?.notes.join(' '),
  };
}

describe('torchScriptForward', () => {
  it.each([
    ['x: Tensor', 'Tensor', undefined, ['OUTPUT__0']],
    ['x: Tensor', 'Tuple[Tensor, List[str]]', undefined, ['OUTPUT__0', 'OUTPUT__1']],
    ['x: Tensor', '__torch__.Found', undefined, ['boxes__0', 'scores__1']],
    [
      'x: Tensor',
      'Dict[str, Tensor]',
      '_0 = {"a": f(x, {"b": x}), "c, d": x}\nreturn _0',
      ['a', 'c, d'],
    ],
    ['x: Tensor', 'Dict[str, Tensor]', 'return {"a": x}', ['a']],
    [
      'x: Tensor',
      'Dict[str, Tensor]',
      'out = annotate(Dict[str, Tensor], {})\n_1 = torch._set_item(out, "a", x)\n_2 = torch._set_item(out, "b", x)\nreturn out',
      ['a', 'b'],
    ],
  ])('names the outputs of (%s) -> %s %#', (given, result, body, expected) => {
    const { outputs, notes } = forward(given, result, body);
    expect(outputs).toEqual(expected);
    expect(notes).toBe('');
  });

  it.each(['Dict[str, Tensor]', 'List[Tensor]', '__torch__.Unknown'])(
    'says that the outputs of %s have to be named',
    (result) => {
      const { outputs, notes } = forward('x: Tensor', result);
      expect(outputs).toEqual(['OUTPUT__0']);
      expect(notes).toBe(`forward gives ${result}: name an output for each tensor of it.`);
    },
  );

  it('takes tensors and texts, and leaves out what has a default', () => {
    expect(forward('x: Tensor,\n    texts: List[str]', 'Tensor').inputs).toEqual(['x', 'texts']);
    const optional =
      'x: Tensor,\n    mask: Optional[Tensor]=None,\n    scale: float=2.,\n    flag: bool=True';
    expect(forward(optional, 'Tensor')).toMatchObject({
      inputs: ['x', 'mask?'],
      notes: 'These arguments of forward keep their defaults: scale, flag.',
    });
  });

  it.each([
    ['x: Tensor,\n    n: int', "forward takes 'n' of the type int"],
    ['x: Tensor,\n    n: int=1,\n    y: Tensor', "forward takes 'n' of the type int"],
    ['xs: List[Tensor]', "forward takes 'xs' of the type List[Tensor]"],
  ])('refuses (%s)', (given, problem) => {
    expect(() => forward(given, 'Tensor')).toThrow(problem);
  });

  it('finds no class and no forward where there is none', () => {
    expect(torchScriptForward('class Net(Module):\n  pass\n', 'Net', classText)).toBeNull();
    expect(classOfCode('class A(Module):\n  x : int\nclass B(Module):\n', 'A')).toBe(
      'class A(Module):\n  x : int\n',
    );
  });
});
