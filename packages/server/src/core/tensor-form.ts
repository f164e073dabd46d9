import type { Tensor } from '@nereid/protocol';

/** All of a tensor but its contents. A tensor is of its own form. */
export interface TensorForm extends Pick<Tensor, 'name' | 'dataType' | 'shape'> {
  readonly data: { readonly byteLength: number };
}

/** Keeps nothing of the tensor, which may change. */
export function formOf({ name, dataType, shape, data }: TensorForm): TensorForm {
  return { name, dataType, shape: [...shape], data: { byteLength: data.byteLength } };
}

/** Whether tensors differ from others, one by one, in nothing but their contents. */
export function areOfForms(tensors: readonly TensorForm[], forms: readonly TensorForm[]): boolean {
  if (tensors.length !== forms.length) return false;
  for (let index = 0; index < tensors.length; index++) {
    if (!isOfForm(tensors[index] as TensorForm, forms[index] as TensorForm)) return false;
  }
  return true;
}

function isOfForm({ name, dataType, shape, data }: TensorForm, form: TensorForm): boolean {
  if (name !== form.name || dataType !== form.dataType) return false;
  return data.byteLength === form.data.byteLength && areEqual(shape, form.shape);
}

/** Whether lists hold the same, one by one. */
export function areEqual<T>(first: readonly T[], second: readonly T[]): boolean {
  if (first.length !== second.length) return false;
  for (let index = 0; index < first.length; index++) {
    if (first[index] !== second[index]) return false;
  }
  return true;
}
