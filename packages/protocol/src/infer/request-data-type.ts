import { type DataType, isDataType } from '../data-type.ts';

/** What Triton calls a data type that it does not know; no model has it, so it never gets far. */
export const invalidDataType = '<invalid>' as DataType;

/** The data type that a request names. */
export function requestDataType(name: string): DataType {
  return isDataType(name) ? name : invalidDataType;
}
