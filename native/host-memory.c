/*
 * Gives pages of a shared ArrayBuffer back to the host, which JavaScript has no way to do. Optional: where the built
 * form (native/PLATFORM-ARCH/host-memory.node) is missing or does not load, pages stay with the process until its end.
 *
 * Node's C interface is declared here as far as it is used, so that building needs no headers of Node; it is stable
 * across Node versions (https://nodejs.org/api/n-api.html). Built without libraries: madvise is the one that the
 * process has loaded already.
 */
typedef __SIZE_TYPE__ size_t;
typedef void *handle;

extern int napi_get_cb_info(handle env, handle info, size_t *argc, handle *argv, handle *self, void **data);
extern int napi_get_typedarray_info(handle env, handle value, int *type, size_t *length, void **data,
                                    handle *buffer, size_t *offset);
extern int napi_get_value_int64(handle env, handle value, long long *result);
extern int napi_create_int32(handle env, int value, handle *result);
extern int napi_create_function(handle env, const char *name, size_t length, handle (*call)(handle, handle),
                                void *data, handle *result);
extern int madvise(void *at, size_t length, int advice);

enum { NAPI_UINT8_ARRAY = 1, MADV_DONTNEED = 4 };

/* discard(bytes: Uint8Array, offset, length): 0, or -1 when the host refuses or arguments are wrong. */
static handle discard(handle env, handle info) {
  handle argv[3], result = 0;
  size_t argc = 3, size = 0;
  void *data = 0;
  int type = -1, r = -1;
  long long offset = -1, length = -1;
  if (!napi_get_cb_info(env, info, &argc, argv, 0, 0) && argc == 3 &&
      !napi_get_typedarray_info(env, argv[0], &type, &size, &data, 0, 0) && type == NAPI_UINT8_ARRAY &&
      !napi_get_value_int64(env, argv[1], &offset) && !napi_get_value_int64(env, argv[2], &length) && offset >= 0 &&
      length >= 0 && (size_t)offset <= size && (size_t)length <= size - (size_t)offset)
    r = madvise((char *)data + offset, (size_t)length, MADV_DONTNEED);
  napi_create_int32(env, r, &result);
  return result;
}

/* What Node calls on loading; `exports` is replaced by the function itself. */
__attribute__((visibility("default"))) handle napi_register_module_v1(handle env, handle exports) {
  handle result = exports;
  napi_create_function(env, "discard", 7, discard, 0, &result);
  return result;
}
