/** How the text after a flag is read. `switch` takes none. */
export type OptionKind = 'switch' | 'boolean' | 'integer' | 'integerOrBoolean' | 'number' | 'text';

/** Headings of the usage text, in Triton's order; the last one is ours. */
export const optionGroups = [
  '',
  'Server',
  'Logging',
  'Model Repository',
  'HTTP',
  'GRPC',
  'Sagemaker',
  'Vertex',
  'Metrics',
  'Tracing',
  'Backend',
  'Repository Agent',
  'Response Cache',
  'Rate Limiter',
  'Memory/Device Management',
  'Shared Memory',
  'DEPRECATED',
  'Nereid',
] as const;

export type OptionGroup = (typeof optionGroups)[number];

/** One flag: all that parsing, the usage text and the reference page know about it. */
export interface OptionSpec {
  /** Without the leading dashes. */
  readonly flag: string;
  readonly kind: OptionKind;
  /** What stands for the value in the usage text, without angle brackets; '' for a switch. */
  readonly argument: string;
  /** As it would be typed; null when an absent flag is not the same as any value. */
  readonly defaultText: string | null;
  readonly group: OptionGroup;
  readonly description: string;
  readonly repeatable: boolean;
  /** The flag that this one is another name of. */
  readonly aliasOf: string | null;
  /** What to use instead, when the flag is deprecated. */
  readonly deprecated: string | null;
  /** `accepted`: read and checked, without effect so far. */
  readonly honoured: 'yes' | 'accepted';
  /** What an `accepted` flag lacks, or what is particular about one that is honoured. */
  readonly note: string | null;
  /** A value that asks for nothing that is missing, so that giving it is not worth a word in the log. */
  readonly quietText: string | null;
  /** Says what is wrong with a value that its kind allows, or null. */
  readonly check: ((value: string) => string | null) | null;
}

type Extras = Partial<Omit<OptionSpec, 'flag' | 'kind' | 'defaultText' | 'group' | 'description'>>;

const argumentOfKind: Record<OptionKind, string> = {
  switch: '',
  boolean: 'boolean',
  integer: 'integer',
  integerOrBoolean: 'integer',
  number: 'float',
  text: 'string',
};

/** Makes the rows of one group shorter to write. */
export function rowsOf(
  group: OptionGroup,
): (
  flag: string,
  kind: OptionKind,
  defaultText: string | null,
  description: string,
  extras?: Extras,
) => OptionSpec {
  return (flag, kind, defaultText, description, extras = {}) => ({
    flag,
    kind,
    argument: argumentOfKind[kind],
    defaultText,
    group,
    description,
    repeatable: false,
    aliasOf: null,
    deprecated: null,
    honoured: 'yes',
    note: null,
    quietText: defaultText,
    check: null,
    ...extras,
  });
}
