import { type DataType, type Tensor, tensor } from '@nereid/client';

/** Two elements of each data type that are easily got wrong. */
export const samples: { readonly [T in DataType]: Tensor<T> } = {
  BOOL: tensor('BOOL', [2], [true, false]),
  UINT8: tensor('UINT8', [2], [0, 255]),
  UINT16: tensor('UINT16', [2], [0, 65_535]),
  UINT32: tensor('UINT32', [2], [0, 4_294_967_295]),
  UINT64: tensor('UINT64', [2], [0n, 2n ** 64n - 1n]),
  INT8: tensor('INT8', [2], [-128, 127]),
  INT16: tensor('INT16', [2], [-32_768, 32_767]),
  INT32: tensor('INT32', [2], [-(2 ** 31), 2 ** 31 - 1]),
  INT64: tensor('INT64', [2], [-(2n ** 63n), 2n ** 63n - 1n]),
  FP16: tensor('FP16', [2], [-1.5, 65_504]),
  BF16: tensor('BF16', [2], [-1.5, 3.25]),
  FP32: tensor('FP32', [2], [Math.fround(0.1), -3.5]),
  FP64: tensor('FP64', [2], [0.1, -1e300]),
  BYTES: tensor('BYTES', [2], ['é\n"', '']),
};
