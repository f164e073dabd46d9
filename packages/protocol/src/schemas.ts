export { type FieldSpec, type MessageSpec, readMessages } from './message-schema.ts';
export { modelConfigMessages } from './model-config/schema.ts';
