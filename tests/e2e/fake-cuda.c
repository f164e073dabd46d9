/* The few functions of CUDA's driver API that the server calls, on ordinary memory. A handle is 64 bytes
   that count up from its first one; its memory has that many pages. Device 0 is the only one, of compute
   capability 8.6. */
#include <stddef.h>
#include <stdlib.h>

typedef struct { unsigned char reserved[64]; } Handle;

static char *memories[256];
static void *current;
static int context;

int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGetUuid(unsigned char *uuid, int device) {
  for (int i = 0; i < 16; i++) uuid[i] = (unsigned char)(i * 17);
  return device == 7 ? 0 : 101;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 8 : 6;
  return device == 7 ? 0 : 101;
}
int cuDeviceGet(int *device, int ordinal) { *device = 7; return ordinal == 0 ? 0 : 101; }
int cuDevicePrimaryCtxRetain(void **result, int device) { *result = &context; return device == 7 ? 0 : 101; }
int cuCtxSetCurrent(void *given) { current = given; return given == &context ? 0 : 201; }

int cuIpcOpenMemHandle_v2(size_t *address, Handle handle, unsigned flags) {
  unsigned char first = handle.reserved[0];
  if (current != &context || flags != 1 || first == 0) return 1;
  for (int i = 0; i < 64; i++) {
    if (handle.reserved[i] != (unsigned char)(first + i)) return 1;
  }
  if (memories[first] == NULL) memories[first] = calloc(first, 4096);
  *address = (size_t)memories[first];
  return 0;
}

int cuMemGetAddressRange_v2(size_t *base, size_t *size, size_t address) {
  for (int first = 1; first < 256; first++) {
    if ((size_t)memories[first] == address) { *size = first * (size_t)4096; return 0; }
  }
  return base == NULL ? 1 : 2;
}

int cuIpcCloseMemHandle(size_t address) { return address == 0 ? 1 : 0; }

static int copy(char *target, const char *source, size_t size) {
  if (current != &context) return 201;
  for (size_t i = 0; i < size; i++) target[i] = source[i];
  return 0;
}
int cuMemcpyDtoH_v2(void *target, size_t source, size_t size) { return copy(target, (const char *)source, size); }
int cuMemcpyHtoD_v2(size_t target, const void *source, size_t size) { return copy((char *)target, source, size); }

int cuGetErrorString(int error, const char **text) {
  *text = error == 101 ? "invalid device ordinal" : "invalid argument";
  return 0;
}
