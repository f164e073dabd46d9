import protobuf from 'protobufjs/light.js';
import type { FieldSpec } from '../message-schema.ts';
import { modelConfigEnums, modelConfigMessages } from './schema.ts';

/**
 * The schema as protobuf.js takes it: the content of package `inference`, to be merged with the
 * messages of the gRPC service, which refer to `ModelConfig`. Field names stay as they are on the wire.
 */
export function modelConfigDescriptor(): protobuf.INamespace {
  const root: protobuf.INamespace = { nested: {} };
  for (const [name, values] of modelConfigEnums) {
    const byName = Object.fromEntries(values.map((value, index) => [value, index]));
    place(root, name, { edition: 'proto3', values: byName });
  }
  for (const spec of modelConfigMessages.values()) {
    const oneofs: Record<string, { oneof: string[] }> = {};
    for (const field of spec.fields) {
      if (field.oneof === null) continue;
      oneofs[field.oneof] ??= { oneof: [] };
      oneofs[field.oneof]?.oneof.push(field.name);
    }
    const fields = Object.fromEntries(spec.fields.map((field) => [field.name, fieldJson(field)]));
    place(root, spec.name, { edition: 'proto3', oneofs, fields });
  }
  return root;
}

function fieldJson(field: FieldSpec): Record<string, unknown> {
  const type = field.typeName;
  if (field.rule === 'map') return { keyType: field.keyType, type, id: field.id };
  if (field.rule === 'repeated') return { rule: 'repeated', type, id: field.id };
  return { type, id: field.id };
}

/** Puts a type where its dotted name says, making the outer messages' folders on the way. */
function place(root: protobuf.INamespace, name: string, json: object): void {
  const parts = name.split('.');
  let node = root as { nested?: Record<string, object> };
  for (const [index, part] of parts.entries()) {
    node.nested ??= {};
    const existing = node.nested[part] ?? {};
    node.nested[part] = index === parts.length - 1 ? { ...existing, ...json } : existing;
    node = node.nested[part] as { nested?: Record<string, object> };
  }
}

let type: protobuf.Type | null = null;

/** `inference.ModelConfig` of protobuf.js, made on first use. */
export function modelConfigType(): protobuf.Type {
  type ??= protobuf.Root.fromJSON({ nested: { inference: modelConfigDescriptor() } }).lookupType(
    'inference.ModelConfig',
  );
  return type;
}
