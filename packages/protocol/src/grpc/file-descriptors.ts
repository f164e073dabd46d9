import protobuf from 'protobufjs';
import { servedRoot } from './messages.ts';
import { protoFileNames } from './proto-files.ts';

/** The part of protobuf's own descriptor.proto that describes files such as ours. */
const descriptorProto = `syntax = "proto2"; package google.protobuf;
message FileDescriptorProto {
  optional string name = 1; optional string package = 2; repeated string dependency = 3;
  repeated DescriptorProto message_type = 4; repeated EnumDescriptorProto enum_type = 5;
  repeated ServiceDescriptorProto service = 6; optional string syntax = 12;
}
message DescriptorProto {
  optional string name = 1; repeated FieldDescriptorProto field = 2;
  repeated DescriptorProto nested_type = 3; repeated EnumDescriptorProto enum_type = 4;
  optional MessageOptions options = 7; repeated OneofDescriptorProto oneof_decl = 8;
}
message MessageOptions { optional bool map_entry = 7; }
message FieldDescriptorProto {
  optional string name = 1; optional int32 number = 3; optional int32 label = 4;
  optional int32 type = 5; optional string type_name = 6; optional int32 oneof_index = 9;
  optional string json_name = 10;
}
message OneofDescriptorProto { optional string name = 1; }
message EnumDescriptorProto { optional string name = 1; repeated EnumValueDescriptorProto value = 2; }
message EnumValueDescriptorProto { optional string name = 1; optional int32 number = 2; }
message ServiceDescriptorProto { optional string name = 1; repeated MethodDescriptorProto method = 2; }
message MethodDescriptorProto {
  optional string name = 1; optional string input_type = 2; optional string output_type = 3;
  optional bool client_streaming = 5; optional bool server_streaming = 6;
}`;

const typeNumbers: Readonly<Record<string, number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
};
const messageType = 11;
const enumType = 14;
const optional = 1;
const repeated = 3;

/** What reflection tells of one .proto file. */
export interface DescribedFile {
  readonly name: string;
  /** Files that it imports. */
  readonly dependencies: readonly string[];
  /** A `google.protobuf.FileDescriptorProto`. */
  readonly descriptor: Uint8Array;
}

/** Everything that is served over gRPC, described. */
export interface ServedDescriptors {
  /** Full names of the services. */
  readonly services: readonly string[];
  readonly fileByName: ReadonlyMap<string, DescribedFile>;
  /** By the full names of services, methods, messages, fields, enumerations and their values. */
  readonly fileBySymbol: ReadonlyMap<string, DescribedFile>;
}

let descriptors: ServedDescriptors | null = null;

/** Descriptors of the served .proto files, made when first asked for. */
export function servedDescriptors(): ServedDescriptors {
  descriptors ??= describe();
  return descriptors;
}

function describe(): ServedDescriptors {
  const encoder = protobuf
    .parse(descriptorProto, { keepCase: true })
    .root.lookupType('google.protobuf.FileDescriptorProto');
  const services: string[] = [];
  const fileByName = new Map<string, DescribedFile>();
  const fileBySymbol = new Map<string, DescribedFile>();
  for (const name of protoFileNames) {
    const { namespace, dependencies } = servedRoot(name);
    const declared = namespace.nestedArray.filter((object) => object.filename === name);
    const fields = {
      name,
      package: fullName(namespace),
      dependency: dependencies,
      message_type: declared.filter(isType).map(describeType),
      enum_type: declared.filter(isEnum).map(describeEnum),
      service: declared.filter(isService).map(describeService),
      syntax: 'proto3',
    };
    const descriptor = encoder.encode(encoder.fromObject(fields)).finish();
    const file = { name, dependencies, descriptor };
    fileByName.set(name, file);
    for (const object of declared) {
      if (isService(object)) services.push(fullName(object));
      for (const symbol of symbolsOf(object)) fileBySymbol.set(symbol, file);
    }
  }
  return { services: services.sort(), fileByName, fileBySymbol };
}

function isType(object: protobuf.ReflectionObject): object is protobuf.Type {
  return object instanceof protobuf.Type;
}

function isEnum(object: protobuf.ReflectionObject): object is protobuf.Enum {
  return object instanceof protobuf.Enum;
}

function isService(object: protobuf.ReflectionObject): object is protobuf.Service {
  return object instanceof protobuf.Service;
}

/** Without protobuf.js's leading dot. */
function fullName(object: protobuf.ReflectionObject): string {
  return object.fullName.slice(1);
}

function symbolsOf(object: protobuf.ReflectionObject): string[] {
  const own = fullName(object);
  if (isService(object)) return [own, ...object.methodsArray.map((m) => `${own}.${m.name}`)];
  if (isEnum(object)) {
    // C++ scoping: values are siblings of their enumeration.
    const scope = own.slice(0, own.lastIndexOf('.'));
    return [own, ...Object.keys(object.values).map((value) => `${scope}.${value}`)];
  }
  if (!isType(object)) return [];
  const fields = object.fieldsArray.map((field) => `${own}.${field.name}`);
  return [own, ...fields, ...object.nestedArray.flatMap(symbolsOf)];
}

function describeType(type: protobuf.Type): object {
  const { fieldsArray, nestedArray, oneofsArray } = type;
  const maps = fieldsArray.filter((field) => field instanceof protobuf.MapField);
  return {
    name: type.name,
    field: fieldsArray.map((field) => describeField(field, oneofsArray)),
    nested_type: [...nestedArray.filter(isType).map(describeType), ...maps.map(describeMapEntry)],
    enum_type: nestedArray.filter(isEnum).map(describeEnum),
    oneof_decl: oneofsArray.map(({ name }) => ({ name })),
  };
}

function describeField(field: protobuf.Field, oneofs: readonly protobuf.OneOf[]): object {
  const isMap = field instanceof protobuf.MapField;
  const { partOf } = field;
  return {
    name: field.name,
    json_name: jsonName(field.name),
    number: field.id,
    label: isMap || field.repeated ? repeated : optional,
    ...(isMap
      ? { type: messageType, type_name: `${parentName(field)}.${entryName(field)}` }
      : describeTypeOf(field)),
    ...(partOf === null ? {} : { oneof_index: oneofs.indexOf(partOf) }),
  };
}

function describeTypeOf(field: Pick<protobuf.Field, 'type' | 'resolvedType'>): object {
  const { resolvedType } = field;
  if (resolvedType === null) return { type: typeNumbers[field.type] };
  const type = isEnum(resolvedType) ? enumType : messageType;
  return { type, type_name: resolvedType.fullName };
}

/** The message that a map's entries are on the wire. */
function describeMapEntry(map: protobuf.MapField): object {
  return {
    name: entryName(map),
    field: [
      {
        name: 'key',
        json_name: 'key',
        number: 1,
        label: optional,
        type: typeNumbers[map.keyType],
      },
      { name: 'value', json_name: 'value', number: 2, label: optional, ...describeTypeOf(map) },
    ],
    options: { map_entry: true },
  };
}

function parentName(field: protobuf.Field): string {
  return field.parent?.fullName ?? '';
}

function entryName(map: Pick<protobuf.Field, 'name'>): string {
  const camel = jsonName(map.name);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}

function jsonName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function describeEnum(type: protobuf.Enum): object {
  const value = Object.entries(type.values).map(([name, number]) => ({ name, number }));
  return { name: type.name, value };
}

function describeService(service: protobuf.Service): object {
  return {
    name: service.name,
    method: service.methodsArray.map((method) => ({
      name: method.name,
      input_type: method.resolvedRequestType?.fullName,
      output_type: method.resolvedResponseType?.fullName,
      ...(method.requestStream === true ? { client_streaming: true } : {}),
      ...(method.responseStream === true ? { server_streaming: true } : {}),
    })),
  };
}
