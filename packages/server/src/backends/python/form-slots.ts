/** Forms that server and worker remember of each other at a time. The worker has the same number. */
export const formSlots = 64;

/** Larger payloads go the way of messages that are texts, of whose time they take nearly nothing. */
export const formPayloadBytesMax: number = 32 * 1024;

/** Bytes of the number of a form. */
export const formNumberBytes = 4;
