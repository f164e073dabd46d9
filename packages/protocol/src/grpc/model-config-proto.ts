import { modelConfigEnums, modelConfigMessages } from '../model-config/schema.ts';

/** A message or enumeration with those that are declared inside it. */
interface Declaration {
  readonly name: string;
  readonly lines: string[];
  readonly kind: 'message' | 'enum';
  readonly nested: Map<string, Declaration>;
}

/** `model_config.proto`, written from the schema. */
export function modelConfigProto(): string {
  const roots = new Map<string, Declaration>();
  for (const [name, spec] of modelConfigMessages) declare(roots, name, 'message', fieldLines(spec));
  for (const [name, values] of modelConfigEnums) {
    declare(
      roots,
      name,
      'enum',
      values.map((value, index) => `${value} = ${index};`),
    );
  }
  const head = '// The configuration of a model.\nsyntax = "proto3";\n\npackage inference;\n';
  return `${head}${[...roots.values()].map((root) => `\n${text(root, '')}`).join('')}`;
}

function fieldLines(spec: { readonly fields: readonly FieldLike[] }): string[] {
  const lines: string[] = [];
  let open: string | null = null;
  for (const field of spec.fields) {
    if (field.oneof !== open) {
      if (open !== null) lines.push('}');
      if (field.oneof !== null) lines.push(`oneof ${field.oneof} {`);
      open = field.oneof;
    }
    const type = typeText(field);
    lines.push(`${open === null ? '' : '  '}${type} ${field.name} = ${field.id};`);
  }
  if (open !== null) lines.push('}');
  return lines;
}

interface FieldLike {
  readonly name: string;
  readonly id: number;
  readonly rule: 'single' | 'repeated' | 'map';
  readonly keyType: string | null;
  readonly typeName: string;
  readonly oneof: string | null;
}

function typeText({ rule, keyType, typeName }: FieldLike): string {
  if (rule === 'map') return `map<${keyType}, ${typeName}>`;
  return rule === 'repeated' ? `repeated ${typeName}` : typeName;
}

/** Puts a type where its dotted name says. */
function declare(
  roots: Map<string, Declaration>,
  dottedName: string,
  kind: 'message' | 'enum',
  lines: readonly string[],
): void {
  let level = roots;
  const parts = dottedName.split('.');
  for (const [index, name] of parts.entries()) {
    const last = index === parts.length - 1;
    let declaration = level.get(name);
    if (declaration === undefined) {
      declaration = { name, kind: last ? kind : 'message', lines: [], nested: new Map() };
      level.set(name, declaration);
    }
    if (last) declaration.lines.push(...lines);
    level = declaration.nested;
  }
}

function text({ name, kind, lines, nested }: Declaration, indent: string): string {
  const inner = `${indent}  `;
  const types = [...nested.values()].map((declaration) => text(declaration, inner)).join('');
  const fields = lines.map((line) => `${inner}${line}\n`).join('');
  return `${indent}${kind} ${name} {\n${types}${fields}${indent}}\n`;
}
