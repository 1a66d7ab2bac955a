/* What a function can ask of the engine that runs it, for C. One header without dependencies.
 *
 * Results come through the `_into` form of the host functions. A failed call is logged into the invocation's own log
 * with its reason; here it only gives NULL or -1. Text that is returned ends with a zero byte, belongs to the caller
 * and is freed by free(); as an invocation is short, it may as well stay. */
#ifndef ORAMA_H
#define ORAMA_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ORAMA_HOST(name) __attribute__((import_module("env"), import_name(name)))

typedef struct {
  char *data;
  size_t size;
} orama_bytes;

ORAMA_HOST("get_caller_wallet_into") int32_t orama_host_get_caller_wallet(char *out, size_t room);
ORAMA_HOST("get_request_id_into") int32_t orama_host_get_request_id(char *out, size_t room);
ORAMA_HOST("get_env_into") int32_t orama_host_get_env(const char *key, size_t key_len, char *out, size_t room);
ORAMA_HOST("get_secret_into") int32_t orama_host_get_secret(const char *name, size_t name_len, char *out, size_t room);
ORAMA_HOST("db_query_into")
int32_t orama_host_db_query(const char *sql, size_t sql_len, const char *args, size_t args_len, char *out, size_t room);
ORAMA_HOST("db_execute")
int32_t orama_host_db_execute(const char *sql, size_t sql_len, const char *args, size_t args_len);
ORAMA_HOST("cache_get_into") int32_t orama_host_cache_get(const char *key, size_t key_len, char *out, size_t room);
ORAMA_HOST("cache_set")
void orama_host_cache_set(const char *key, size_t key_len, const char *value, size_t value_len, int64_t ttl);
ORAMA_HOST("cache_incr_by") int64_t orama_host_cache_incr_by(const char *key, size_t key_len, int64_t delta);
ORAMA_HOST("cache_delete") int32_t orama_host_cache_delete(const char *key, size_t key_len);
ORAMA_HOST("http_fetch_into")
int32_t orama_host_http_fetch(const char *method, size_t method_len, const char *url, size_t url_len,
                              const char *headers, size_t headers_len, const char *body, size_t body_len, char *out,
                              size_t room);
ORAMA_HOST("pubsub_publish")
int32_t orama_host_publish(const char *topic, size_t topic_len, const char *data, size_t data_len);
ORAMA_HOST("enqueue_into")
int32_t orama_host_enqueue(const char *function, size_t function_len, const char *payload, size_t payload_len,
                           int64_t delay, char *out, size_t room);
ORAMA_HOST("storage_put_into") int32_t orama_host_storage_put(const char *data, size_t size, char *out, size_t room);
ORAMA_HOST("storage_get_into") int32_t orama_host_storage_get(const char *cid, size_t cid_len, char *out, size_t room);
ORAMA_HOST("log_debug") void orama_host_log_debug(const char *message, size_t length);
ORAMA_HOST("log_info") void orama_host_log_info(const char *message, size_t length);
ORAMA_HOST("log_warn") void orama_host_log_warn(const char *message, size_t length);
ORAMA_HOST("log_error") void orama_host_log_error(const char *message, size_t length);

/* Makes `call`, which writes into `out` of size `room`; when that was too small, makes it again with more room: the
 * host has kept the result, so nothing happens twice. The result is {NULL, 0} when there is none. */
#define ORAMA_TAKE(call)                                                        \
  size_t room = 4096;                                                           \
  char *out = malloc(room + 1);                                                 \
  int32_t length = out ? (call) : -1;                                           \
  if (length > (int32_t)room) {                                                 \
    room = (size_t)length;                                                      \
    free(out);                                                                  \
    out = malloc(room + 1);                                                     \
    length = out ? (call) : -1;                                                 \
  }                                                                             \
  if (length < 0) {                                                             \
    free(out);                                                                  \
    return (orama_bytes){NULL, 0};                                              \
  }                                                                             \
  out[length] = 0;                                                              \
  return (orama_bytes){out, (size_t)length}

/* The wallet that a JWT proved; empty for API-key, public and event calls. */
static inline orama_bytes orama_caller_wallet(void) { ORAMA_TAKE(orama_host_get_caller_wallet(out, room)); }

/* The id of this invocation. */
static inline orama_bytes orama_request_id(void) { ORAMA_TAKE(orama_host_get_request_id(out, room)); }

/* A value of `env` in function.yaml. */
static inline orama_bytes orama_get_env(const char *key) {
  ORAMA_TAKE(orama_host_get_env(key, strlen(key), out, room));
}

/* A secret of the function's namespace. */
static inline orama_bytes orama_get_secret(const char *name) {
  ORAMA_TAKE(orama_host_get_secret(name, strlen(name), out, room));
}

/* The rows of a SELECT as a JSON array of objects; `args` is a JSON array such as "[1, \"a\"]". */
static inline orama_bytes orama_db_query(const char *sql, const char *args) {
  ORAMA_TAKE(orama_host_db_query(sql, strlen(sql), args, strlen(args), out, room));
}

/* INSERT, UPDATE, DELETE or DDL; the number of affected rows, -1 on failure. */
static inline int32_t orama_db_execute(const char *sql, const char *args) {
  return orama_host_db_execute(sql, strlen(sql), args, strlen(args));
}

/* The value of a key; data is NULL on a miss. */
static inline orama_bytes orama_cache_get(const char *key) {
  ORAMA_TAKE(orama_host_cache_get(key, strlen(key), out, room));
}

/* Stores a value for so many seconds; 0 means until it is evicted. */
static inline void orama_cache_set(const char *key, const char *value, size_t size, int64_t ttl_seconds) {
  orama_host_cache_set(key, strlen(key), value, size, ttl_seconds);
}

/* Adds to a counter, atomically, from 0; returns its new value. */
static inline int64_t orama_cache_increment(const char *key, int64_t delta) {
  return orama_host_cache_incr_by(key, strlen(key), delta);
}

/* Removes a key; 1 when it was there. */
static inline int32_t orama_cache_delete(const char *key) { return orama_host_cache_delete(key, strlen(key)); }

/* {"status":200,"headers":{..},"body":".."}, or {"error":"..","status":0}; `headers` is a JSON object. The body as bytes
 * is what orama_response_body makes of it. */
static inline orama_bytes orama_http_fetch(const char *method, const char *url, const char *headers, const char *body) {
  ORAMA_TAKE(orama_host_http_fetch(method, strlen(method), url, strlen(url), headers, strlen(headers), body,
                                   strlen(body), out, room));
}

/* Where the text of a string among the members of a JSON object begins and ends, without its quotes; 0 when it is not there. */
static inline int orama_json_string(orama_bytes json, const char *name, char **from, char **to) {
  char *end = json.data + json.size, *last = NULL;
  size_t last_size = 0, wanted = strlen(name);
  int depth = 0, is_value = 0;
  for (char *at = json.data; at && at < end; at++) {
    if (*at == '{' || *at == '[') depth++;
    else if (*at == '}' || *at == ']') depth--;
    else if (*at == ',' && depth == 1) is_value = 0;
    else if (*at == ':' && depth == 1) is_value = last_size == wanted && memcmp(last, name, wanted) == 0;
    if (*at != '"') continue;
    char *start = ++at;
    while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
    if (depth != 1 || at >= end) continue;
    if (is_value) return *from = start, *to = at, 1;
    last = start, last_size = (size_t)(at - start);
  }
  return 0;
}

/* One UTF-16 unit or a pair of them as UTF-8; returns where the next byte goes. */
static inline char *orama_put_utf8(char *out, uint32_t code) {
  int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *out++ = (char)(more == 0 ? code : (0xf0 << (3 - more) & 0xff) | code >> 6 * more);
  while (more-- > 0) *out++ = (char)(0x80 | (code >> 6 * more & 0x3f));
  return out;
}

static inline uint32_t orama_hex4(const char *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
  return value;
}

/* The body of an answer of orama_http_fetch as bytes, decoded where it came as base64. It lies in the answer, which is
 * used up; {NULL, 0} when there is none. */
static inline orama_bytes orama_response_body(orama_bytes answer) {
  char *from, *to, *out;
  if (orama_json_string(answer, "body_base64", &from, &to)) {
    uint32_t bits = 0;
    int held = 0;
    out = from;
    for (char *at = from; at < to; at++) {
      char c = *at;
      int six = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
              : c == '+' ? 62 : c == '/' ? 63 : -1;
      if (six < 0) continue;
      bits = bits << 6 | (uint32_t)six;
      held += 6;
      if (held >= 8) held -= 8, *out++ = (char)(bits >> held);
    }
  } else if (orama_json_string(answer, "body", &from, &to)) {
    out = from;
    for (char *at = from; at < to; at++) {
      if (*at != '\\') {
        *out++ = *at;
        continue;
      }
      char c = *++at;
      if (c == 'u' && to - at > 4) {
        uint32_t code = orama_hex4(at + 1);
        at += 4;
        if (code >= 0xd800 && code < 0xdc00 && to - at > 6 && at[1] == '\\')
          code = 0x10000 + ((code - 0xd800) << 10) + (orama_hex4(at + 3) - 0xdc00), at += 6;
        out = orama_put_utf8(out, code);
      } else *out++ = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
    }
  } else {
    return (orama_bytes){NULL, 0};
  }
  return (orama_bytes){from, (size_t)(out - from)};
}

/* Publishes JSON to a topic of the namespace; 1 once it is durable. */
static inline int32_t orama_publish(const char *topic, const char *json) {
  return orama_host_publish(topic, strlen(topic), json, strlen(json));
}

/* Runs a function of the namespace later; the id of that invocation. */
static inline orama_bytes orama_enqueue(const char *function, const char *json, int64_t delay_seconds) {
  ORAMA_TAKE(orama_host_enqueue(function, strlen(function), json, strlen(json), delay_seconds, out, room));
}

/* Keeps a blob; its CID. */
static inline orama_bytes orama_storage_put(const char *data, size_t size) {
  ORAMA_TAKE(orama_host_storage_put(data, size, out, room));
}

/* A blob that this namespace has put. */
static inline orama_bytes orama_storage_get(const char *cid) {
  ORAMA_TAKE(orama_host_storage_get(cid, strlen(cid), out, room));
}

static inline void orama_log_debug(const char *message) { orama_host_log_debug(message, strlen(message)); }
static inline void orama_log_info(const char *message) { orama_host_log_info(message, strlen(message)); }
static inline void orama_log_warn(const char *message) { orama_host_log_warn(message, strlen(message)); }
static inline void orama_log_error(const char *message) { orama_host_log_error(message, strlen(message)); }

#endif
