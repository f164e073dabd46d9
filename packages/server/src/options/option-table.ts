import type { OptionSpec } from './option-spec.ts';
import { backendRows, deprecatedRows } from './rows/backend-rows.ts';
import { cloudServiceRows } from './rows/cloud-service-rows.ts';
import { grpcRows } from './rows/grpc-rows.ts';
import { httpRows } from './rows/http-rows.ts';
import { metricsRows } from './rows/metrics-rows.ts';
import { modelRepositoryRows } from './rows/model-repository-rows.ts';
import { serverRows } from './rows/server-rows.ts';
import { deprecatedTraceRows, tracingRows } from './rows/tracing-rows.ts';

/** Every flag that the server knows. Parsing, the usage text and the reference page follow from it. */
export const optionTable: readonly OptionSpec[] = [
  ...serverRows,
  ...modelRepositoryRows,
  ...httpRows,
  ...grpcRows,
  ...cloudServiceRows,
  ...metricsRows,
  ...tracingRows,
  ...backendRows,
  ...deprecatedRows,
  ...deprecatedTraceRows,
];

/** The same by flag. */
export const optionByFlag: ReadonlyMap<string, OptionSpec> = new Map(
  optionTable.map((spec) => [spec.flag, spec]),
);
